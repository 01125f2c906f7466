/** The part of `contracts/api.ts` that calls need, without the schemas and their library: `build/endpoint-table.ts` takes it out. */
declare module 'virtual:endpoints' {
  export const endpointTable: Record<string, readonly [method: 'GET' | 'POST' | 'DELETE', path: string]>
}
