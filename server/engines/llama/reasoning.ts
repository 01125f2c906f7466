/** The tags a model writes around its reasoning. */
export type ReasoningTags = { open: string; close: string }

const known: ReasoningTags[] = [
  { open: '<think>', close: '</think>' },
  { open: '[THINK]', close: '[/THINK]' },
  { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
  { open: '<seed:think>', close: '</seed:think>' },
  { open: '<reasoning>', close: '</reasoning>' }
]

/** Finds the tags in the text of a chat template; a template that only knows the closing one writes or expects the opening one all the same. */
export function findReasoningTags(template: string): ReasoningTags | null {
  return known.find((tags) => template.includes(tags.close)) ?? null
}

/** Whether a rendered prompt leaves the model inside its reasoning: the last tag in it opens. */
export function startsInReasoning(rendered: string, tags: ReasoningTags | null): boolean {
  return tags !== null && rendered.trimEnd().endsWith(tags.open)
}
