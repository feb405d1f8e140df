/* SPDX-License-Identifier: Apache-2.0 */
/* The leaf rule: which spans are calls of a model, and which repeat what the calls below them used.
 */
#include <strings.h>

#include "proto/attr.h"
#include "proto/usage_inside.h"

enum shape { UNKNOWN, LEAF, AGGREGATE };

struct word {
	const char *text;
	enum shape shape;
};

static const struct word operations[] = {
	{ "chat", LEAF },
	{ "generate_content", LEAF },
	{ "text_completion", LEAF },
	{ "embeddings", LEAF },
	{ "invoke_agent", AGGREGATE },
	{ "create_agent", AGGREGATE },
	{ "execute_tool", AGGREGATE },
	{ "execute_task", AGGREGATE },
	{ "invoke_workflow", AGGREGATE },
	{ "workflow", AGGREGATE },
	{ "chain", AGGREGATE },
	{ "task", AGGREGATE },
	{ "agent", AGGREGATE },
	{ "tool", AGGREGATE },
	{ "retrieval", AGGREGATE },
	{ "retriever", AGGREGATE },
	{ "plan", AGGREGATE },
	{ "search_memory", AGGREGATE },
	{ "create_memory", AGGREGATE },
	{ "update_memory", AGGREGATE },
	{ "upsert_memory", AGGREGATE },
	{ "delete_memory", AGGREGATE },
	{ "create_memory_store", AGGREGATE },
	{ "delete_memory_store", AGGREGATE },
	{ NULL, UNKNOWN },
};

static const struct word openinference_kinds[] = {
	{ "LLM", LEAF },
	{ "EMBEDDING", LEAF },
	{ "RERANKER", LEAF },
	{ "DECISION", LEAF },
	{ "AGENT", AGGREGATE },
	{ "CHAIN", AGGREGATE },
	{ "TOOL", AGGREGATE },
	{ "RETRIEVER", AGGREGATE },
	{ "GUARDRAIL", AGGREGATE },
	{ "EVALUATOR", AGGREGATE },
	{ "PROMPT", AGGREGATE },
	{ NULL, UNKNOWN },
};

static const struct word request_types[] = {
	{ "chat", LEAF },   { "completion", LEAF }, { "embedding", LEAF },
	{ "rerank", LEAF }, { NULL, UNKNOWN },
};

static const struct word traceloop_kinds[] = {
	{ "workflow", AGGREGATE }, { "task", AGGREGATE }, { "agent", AGGREGATE },
	{ "tool", AGGREGATE },     { NULL, UNKNOWN },
};

static const struct word langfuse_types[] = {
	{ "generation", LEAF },     { "embedding", LEAF },      { "agent", AGGREGATE },
	{ "tool", AGGREGATE },      { "chain", AGGREGATE },     { "retriever", AGGREGATE },
	{ "evaluator", AGGREGATE }, { "guardrail", AGGREGATE }, { NULL, UNKNOWN },
};

static const struct word langsmith_kinds[] = {
	{ "llm", LEAF },         { "embedding", LEAF },      { "chain", AGGREGATE },
	{ "tool", AGGREGATE },   { "retriever", AGGREGATE }, { "prompt", AGGREGATE },
	{ "parser", AGGREGATE }, { NULL, UNKNOWN },
};

/* Best first. */
static const struct {
	enum toll_usage_slot slot;
	const struct word *words;
} vocabularies[] = {
	{ TOLL_USAGE_OPERATION, operations },
	{ TOLL_USAGE_OPENINFERENCE_KIND, openinference_kinds },
	{ TOLL_USAGE_REQUEST_TYPE, request_types },
	{ TOLL_USAGE_TRACELOOP_KIND, traceloop_kinds },
	{ TOLL_USAGE_LANGFUSE_TYPE, langfuse_types },
	{ TOLL_USAGE_LANGSMITH_KIND, langsmith_kinds },
};

/* In any case: OpenInference writes capitals, LangSmith both. */
static bool is_word(struct toll_slice text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

static enum shape look_up(const struct word *words, struct toll_slice text)
{
	while (words->text && !is_word(text, words->text))
		words++;
	return words->shape;
}

static bool ends_with(struct toll_slice s, struct toll_slice tail)
{
	return s.len >= tail.len && memcmp(s.ptr + s.len - tail.len, tail.ptr, tail.len) == 0;
}

/* Vercel AI SDK: "ai.generateText" goes around "ai.generateText.doGenerate" and repeats its usage.
 * In operation.name the function's id may follow, behind a blank. */
static enum shape ai_shape(struct toll_slice operation)
{
	const char *blank = memchr(operation.ptr, ' ', operation.len);

	if (blank)
		operation.len = (size_t)(blank - operation.ptr);
	if (operation.len < 3 || memcmp(operation.ptr, "ai.", 3) != 0)
		return UNKNOWN;
	return ends_with(operation, TOLL_SLICE(".doGenerate")) ||
	                       ends_with(operation, TOLL_SLICE(".doStream")) ||
	                       ends_with(operation, TOLL_SLICE(".doEmbed")) ||
	                       ends_with(operation, TOLL_SLICE(".doRerank"))
	               ? LEAF
	               : AGGREGATE;
}

bool toll_usage_is_aggregate(const struct toll_usage_found *f)
{
	const struct toll_attr *a = toll_usage_attr(f, TOLL_USAGE_AI_OPERATION);
	enum shape shape = a ? ai_shape(toll_attr_text(a)) : UNKNOWN;

	for (size_t i = 0; i < TOLL_COUNT(vocabularies) && shape == UNKNOWN; i++) {
		a = toll_usage_attr(f, vocabularies[i].slot);
		if (a)
			shape = look_up(vocabularies[i].words, toll_attr_text(a));
	}
	/* Agents of frameworks that say nothing else (Pydantic AI before 1). */
	if (shape == UNKNOWN && toll_usage_attr(f, TOLL_USAGE_AGENT))
		shape = AGGREGATE;
	return shape == AGGREGATE;
}
