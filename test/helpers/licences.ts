import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A package that comes with an installation without development dependencies. `licence` is an SPDX expression. */
export type Dependency = { name: string; version: string; licence: string }

export const licencesPage = fileURLToPath(new URL('../../docs/licences.md', import.meta.url))

type LockedPackage = { version?: string; license?: string; dev?: boolean; dependencies?: Record<string, string> }
type LockFile = { packages: Record<string, LockedPackage> }

/** What the console's sources import, which the build puts into its files; types and tools are not among it. */
const consoleRoots = [
  '@base-ui/react',
  '@fontsource-variable/inter',
  '@fontsource-variable/jetbrains-mono',
  '@tanstack/react-query',
  'lucide-react',
  'react',
  'react-dom',
  'wouter'
]

/** Every production dependency of package-lock.json, for all platforms, by name and version, each once. */
export function productionDependencies(): Dependency[] {
  const all = Object.entries(readLock().packages).flatMap(([path, { version = '', license = 'unknown', dev }]) => {
    const name = path.split('node_modules/').at(-1) ?? ''
    return path === '' || dev === true ? [] : [{ name, version, licence: license }]
  })
  const unique = new Map(all.map((dependency) => [`${dependency.name}@${dependency.version}`, dependency]))
  return [...unique].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, dependency]) => dependency)
}

/** Everything that comes inside the console's built files: what it imports, and what that brings along. */
export function consoleDependencies(): Dependency[] {
  const { packages } = readLock()
  const found = new Map<string, Dependency>()
  const visit = (name: string) => {
    const locked = packages[`node_modules/${name}`]
    if (locked === undefined || found.has(name) || name.startsWith('@types/')) return
    found.set(name, { name, version: locked.version ?? '', licence: locked.license ?? 'unknown' })
    for (const dependency of Object.keys(locked.dependencies ?? {})) visit(dependency)
  }
  for (const name of consoleRoots) visit(name)
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
}

export function toLicencesPage(dependencies: readonly Dependency[], console: readonly Dependency[]): string {
  const toRow = ({ name, version, licence }: Dependency) => `| ${name} | ${version} | ${licence} |`
  const rows = dependencies.map(toRow)
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

## Inside the console

Its built files in \`renderer/dist\` contain these, as far as it uses them.

| Package | Version | Licence |
|---|---|---|
${console.map(toRow).join('\n')}
`
}

function readLock(): LockFile {
  return JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as LockFile
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(licencesPage, toLicencesPage(productionDependencies(), consoleDependencies()))
