import { createHash } from 'node:crypto'
import type { Service } from '#contracts/plan.ts'
import type { Catalogue } from './catalogue.ts'

/** The services of a catalogue as they are registered, with the same ids in every run. `suffix`: after each name. */
export function toServices({ name: trade, services }: Catalogue, suffix = ''): Service[] {
  return services.map(({ name, description, input, output, revertible }) => ({
    id: toServiceId(`${trade}/${name}${suffix}`),
    projectId: 'bench',
    kind: 'service',
    name: `${name}${suffix}`,
    description,
    input,
    output,
    revertible,
    approval: false,
    version: 1,
    origin: 'connected',
    registeredAt: 0
  }))
}

/** `s_` and 28 letters. */
function toServiceId(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 28)
  return `s_${[...bytes].map((byte) => String.fromCharCode(97 + (byte % 26))).join('')}`
}
