import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A package that comes with an installation without development dependencies. `licence` is an SPDX expression. */
export type Dependency = { name: string; version: string; licence: string }

export const licencesPage = fileURLToPath(new URL('../../docs/licences.md', import.meta.url))

type LockFile = { packages: Record<string, { version?: string; license?: string; dev?: boolean }> }

/** Every production dependency of package-lock.json, for all platforms, by name and version, each once. */
export function productionDependencies(): Dependency[] {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as LockFile
  const all = Object.entries(lock.packages).flatMap(([path, { version = '', license = 'unknown', dev }]) => {
    const name = path.split('node_modules/').at(-1) ?? ''
    return path === '' || dev === true ? [] : [{ name, version, licence: license }]
  })
  const unique = new Map(all.map((dependency) => [`${dependency.name}@${dependency.version}`, dependency]))
  return [...unique].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, dependency]) => dependency)
}

export function toLicencesPage(dependencies: readonly Dependency[]): string {
  const rows = dependencies.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`)
  return `# Licences

Outpost itself is under the Apache License 2.0. What an installation brings along stands below, written by \`npm run licences\` from package-lock.json and
held by a test: every production dependency, for all platforms, of which a machine gets those of its own. Their licence texts lie in \`node_modules\`.
Inside of them: \`@node-llama-cpp/*\` carry llama.cpp and ggml (MIT), \`better-sqlite3\` carries SQLite (public domain), \`node\` fetches Node.js
(MIT and the licences of what it bundles).

Not part of it: Redis or Valkey, which comes from the system's package manager under its own licence, and model weights, whose licence stands in
\`models/catalogue.json\` and in \`outpost list --json\`.

| Package | Version | Licence |
|---|---|---|
${rows.join('\n')}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(licencesPage, toLicencesPage(productionDependencies()))
