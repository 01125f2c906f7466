import { createHash } from 'node:crypto'

const longest = 63

/**
 * The name of a tool's service: the toolbox's name, a dot, and what the tool is called where it comes from, in the characters that names of
 * services may have (`listOrders` → `shop.list-orders`). What is too long or taken ends in a digest of the original, so that the name
 * depends on nothing but the tool itself.
 */
export function toolName(toolbox: string, operation: string, taken: ReadonlySet<string>): string {
  const words = operation
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
  const name = `${toolbox}.${words}`
  if (words !== '' && name.length <= longest && !taken.has(name)) return name
  const digest = createHash('sha256').update(operation).digest('hex').slice(0, 8)
  const kept = name.slice(0, longest - 1 - digest.length).replace(/[.-]+$/, '')
  return `${kept}-${digest}`
}
