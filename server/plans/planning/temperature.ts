/** Sampling temperature that a model of this name plans best with, whoever serves it and however it is quantised: `qwen/QwQ-32B-Q8` is a `qwq-32b`. */
export function planningTemperature(model: string): number {
  const name = (model.split('/').at(-1) ?? model).toLowerCase()
  for (const [family, temperature] of families) if (name.startsWith(family)) return temperature
  return 0.7
}

/** Reasoning models of OpenAI take no other temperature than 1; the open ones wander at more than a little. */
const families: [string, number][] = [
  ['o1', 1],
  ['o3', 1],
  ['o4', 1],
  ['gpt-5', 1],
  ['deepseek-r1', 0.1],
  ['qwq-32b', 0.1]
]
