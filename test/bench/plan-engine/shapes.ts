import type { DraftPlan } from '../../helpers/planning-endpoint.ts'

/** An action, and the plan that the planner at once makes of it. The texts are far from each other, so that the plan cache does not mix them up. */
export type Shape = {
  action: string
  /** The one field of its data. */
  field: string
  /** What each task waits for: a task's number, or 0 for the request. */
  waitsFor: number[]
}

export const shapes = {
  one: { action: 'Echo this message.', field: 'message', waitsFor: [0] },
  chain: { action: 'Pass the note along a row of five clerks.', field: 'paper', waitsFor: [0, 1, 2, 3, 4] },
  parallel: { action: 'Ring all the bells of the tower with one tune.', field: 'tune', waitsFor: [0, 0, 0, 0, 0] },
  stamp: { action: 'Stamp the form and file it in the archive.', field: 'form', waitsFor: [0, 1] },
  note: { action: noteActions()[0] ?? '', field: 'photo', waitsFor: [0] },
  greeting: { action: 'Have the herald shout a greeting from the wall.', field: 'greeting', waitsFor: [0] }
} satisfies Record<string, Shape>

export type ShapeName = keyof typeof shapes

/** One wish in the words that people might choose for it. */
export function noteActions(): string[] {
  const choices = [
    ['Show the '],
    ['photo', 'picture', 'image'],
    [' to the '],
    ['customer', 'client'],
    [', '],
    ['create', 'make'],
    [' a note '],
    ['about', 'regarding', 'concerning'],
    [' it and '],
    ['notify', 'inform'],
    [' the driver.']
  ]
  return choices.reduce<string[]>((begun, words) => begun.flatMap((beginning) => words.map((word) => beginning + word)), [''])
}

/** The shape whose action a prompt names last: an example of a similar plan may come before. */
export function shapeIn(prompt: string): Shape {
  const named = Object.values(shapes).flatMap((shape) => {
    const wordings = shape === shapes.note ? noteActions() : [shape.action]
    return wordings.map((wording) => ({ shape, at: prompt.lastIndexOf(wording) }))
  })
  const last = named.reduce((one, other) => (other.at > one.at ? other : one))
  if (last.at === -1) throw new Error('the prompt has no action of these')
  return last.shape
}

/** Its plan, carried out by these services in turn. Every task takes and gives a `message`. */
export function toDraftPlan({ field, waitsFor }: Shape, services: string[]): DraftPlan {
  const tasks = waitsFor.map((earlier, i) => ({
    id: `task${i + 1}`,
    service: services[i % services.length] ?? '',
    input: { message: earlier === 0 ? `$task0.${field}` : `$task${earlier}.message` }
  }))
  const groups = [...new Set(waitsFor)].map((earlier) => tasks.filter((_, i) => waitsFor[i] === earlier).map(({ id }) => id))
  return { tasks: [{ id: 'task0', input: { [field]: '' } }, ...tasks], parallel_groups: groups }
}
