/** `$<task>.<field>`: the value of a field of a task's output, or of task0. */
export type Reference = { task: string; field: string }

/** Undefined: it is no reference. The field is everything after the first dot; whether the task has it, validation says. */
export function parseReference(value: unknown): Reference | undefined {
  if (typeof value !== 'string') return undefined
  const match = /^\$([^.]+)\.([\s\S]+)$/.exec(value)
  return match === null ? undefined : { task: match[1] ?? '', field: match[2] ?? '' }
}

export function toReference(task: string, field: string): string {
  return `$${task}.${field}`
}

/** The task that stands for the action's data and the constants of a plan. */
export const taskZeroId = 'task0'

export function isTaskZero(id: string): boolean {
  return id.toLowerCase() === taskZeroId
}

/** References to task0 in a text, in order of appearance, as a model writes them: the name of the field is letters, digits and underscores. */
export function taskZeroReferencesIn(text: string): string[] {
  return text.match(/\$task0\.\w+/g) ?? []
}

/** Whether a text is one such reference and nothing else. */
export function isExactTaskZeroReference(text: string): boolean {
  return /^\$task0\.\w+$/.test(text)
}

/** Ids of the tasks that must be done before one with these inputs, each once; task0 is always done. */
export function dependenciesOf({ input }: { input: Readonly<Record<string, unknown>> }): string[] {
  const tasks = Object.values(input).flatMap((value) => parseReference(value)?.task ?? [])
  return [...new Set(tasks)].filter((task) => !isTaskZero(task))
}
