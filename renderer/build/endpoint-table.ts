import type { Plugin } from 'vite'

const id = 'virtual:endpoints'

/**
 * Method and path of each endpoint of `contracts/api.ts`, as plain data. The contracts themselves would bring their schemas and zod into the
 * browser, which is more than everything else of the first page.
 */
export function endpointTable(): Plugin {
  return {
    name: 'outpost-endpoint-table',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    async load(source) {
      if (source !== `\0${id}`) return undefined
      const { endpoints } = await import('#contracts/api.ts')
      const table = Object.fromEntries(Object.entries(endpoints).map(([name, { method, path }]) => [name, [method, path]]))
      return `export const endpointTable = ${JSON.stringify(table)}`
    }
  }
}
