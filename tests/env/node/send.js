// SPDX-License-Identifier: Apache-2.0
// Sends spans with the OpenTelemetry SDK for Node, as an application would.
//   node send.js ADDRESS SERVICE COUNT NAME DURATION_MS [KEY=VALUE ...]
// Prints the trace ids, one a line, when the exporter has been told OK for all of them.
'use strict';
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');
const { SpanKind, diag, DiagConsoleLogger, DiagLogLevel } = require('@opentelemetry/api');

diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const [address, service, count, name, durationMs, ...pairs] = process.argv.slice(2);
const exporter = new OTLPTraceExporter({ url: `http://${address}` });
const failures = [];
const checked = {
  export(spans, done) {
    exporter.export(spans, (result) => {
      if (result.code !== 0) failures.push(result.error);
      done(result);
    });
  },
  forceFlush: () => exporter.forceFlush(),
  shutdown: () => exporter.shutdown(),
};
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': service }),
  spanProcessors: [new BatchSpanProcessor(checked)],
});
const tracer = provider.getTracer('test');
const attributes = Object.fromEntries(pairs.map((p) => p.split(/=(.*)/s).slice(0, 2)));
const end = Date.now();
for (let n = 0; n < Number(count); n++) {
  // Whole milliseconds: the SDK keeps [seconds, nanoseconds], so these are exact.
  const start = end - Number(durationMs);
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, startTime: start, attributes });
  span.end(end);
  console.log(span.spanContext().traceId);
}
provider.shutdown().then(() => {
  if (failures.length) {
    console.error(failures[0]);
    process.exit(1);
  }
});
