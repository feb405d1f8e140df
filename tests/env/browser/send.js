// SPDX-License-Identifier: Apache-2.0
// A page's own script: one span over OTLP/HTTP to where the page's address says (?to=http://host:port/v1/traces).
// window.outcome becomes "sent" or what went wrong.
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { WebTracerProvider } from '@opentelemetry/sdk-trace-web';

const query = new URLSearchParams(location.search);
const exporter = new OTLPTraceExporter({
  url: query.get('to'),
  headers: { 'X-Feature-Context': 'from-a-browser' },
  timeoutMillis: 5000,
});

// The exporter's own word for each request.
const heard = {
  export: (spans, done) => exporter.export(spans, (result) => {
    window.outcome = result.code === 0 ? 'sent' : String(result.error);
    done(result);
  }),
  forceFlush: () => exporter.forceFlush(),
  shutdown: () => exporter.shutdown(),
};

const provider = new WebTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'browser' }),
  spanProcessors: [new SimpleSpanProcessor(heard)],
});
provider.getTracer('page').startSpan('sdk').end();
