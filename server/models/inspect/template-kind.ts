import type { TemplateKind, WeightsDescription } from '#contracts/weights.ts'

/** What marks a family of chat templates, the more special first. */
const marks: readonly [TemplateKind, RegExp][] = [
  ['harmony', /<\|channel\|>/],
  ['llama3', /<\|start_header_id\|>/],
  ['chatml', /<\|im_start\|>/],
  ['gemma', /<start_of_turn>/],
  ['command-r', /<\|START_OF_TURN_TOKEN\|>/],
  ['deepseek', /<[|｜]User[|｜]>/],
  ['phi', /<\|assistant\|>/],
  ['llama2', /\[INST\]/]
]

/** The family of a chat template, and whether it speaks of tools and of reasoning. */
export function describeTemplate(source: string): NonNullable<WeightsDescription['template']> {
  return {
    kind: marks.find(([, mark]) => mark.test(source))?.[0] ?? 'other',
    hasTools: /\btools\b/.test(source),
    hasReasoning: /<think>|reasoning_content|enable_thinking|<\|channel\|>/.test(source)
  }
}
