import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Config, loadConfig } from '../config.ts'
import { AppError } from '../errors.ts'
import { prepareHome } from '../home.ts'
import { enforceAdoption } from '../models/policy.ts'
import { findWeights, weightPlaces } from '../models/store/find-weights.ts'
import { oneArgument } from './arguments.ts'
import { findServer } from './client.ts'
import { openLocalModels } from './local-models.ts'
import { harmless, inBytes, say, sayJson, table } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { scan: { type: 'boolean', default: false }, name: { type: 'string' }, json: { type: 'boolean', default: false } },
    allowPositionals: true
  })
  const config = loadConfig()
  if (values.scan) {
    if (values.name !== undefined) throw new UsageError('--name goes with a PATH, and --scan only looks')
    return scan(positionals, config, values.json)
  }
  const path = oneArgument(positionals, 'PATH')
  const model = await adoptHere(path, values.name, config)
  if (values.json) sayJson({ model })
  else say(`${model} is here: ${path} is used where it lies.`)
  return 0
}

/** By the running server of this home, which then has it at once, else in this process. Answers its id. */
export async function adoptHere(path: string, name: string | undefined, config: Config): Promise<string> {
  if (config.url !== undefined) {
    throw new AppError(
      'invalid_request',
      `${path} is a file of this machine, and OUTPOST_URL names another server: unset OUTPOST_URL, or pull by a model's name`
    )
  }
  const client = await findServer(config)
  if (client !== undefined) {
    return (await client.call('adoptModel', { body: { path: resolve(path), ...(name === undefined ? {} : { name }) } })).model
  }
  prepareHome(config.home)
  const { store, policy } = openLocalModels(config)
  const { entry } = await store.adopt(path, {
    ...(name === undefined ? {} : { id: name }),
    allow: (manifest) => enforceAdoption(policy, manifest)
  })
  return entry.id
}

/** Lists, and changes nothing. `folders`: where to look instead of where other programs keep their weights. */
function scan(folders: string[], config: Config, json: boolean): number {
  const { store } = openLocalModels(config)
  const places = folders.length === 0 ? weightPlaces() : folders.map((folder) => ({ program: '', folder: resolve(folder) }))
  const found = findWeights(places).map((weights) => ({ ...weights, ...store.nameFor(weights.path) }))
  if (json) {
    sayJson({ found: found.map(({ takenBy, ...weights }) => ({ ...weights, takenBy: takenBy ?? null })) })
  } else if (found.length === 0) {
    say(`No GGUF files in ${places.map(({ folder }) => folder).join(', ')}.`)
  } else {
    const stateOf = ({ isAdopted, takenBy }: (typeof found)[number]) =>
      isAdopted ? 'in use' : takenBy === undefined ? 'can be adopted' : 'name is taken: --name'
    say(
      table(
        ['ID', 'SIZE', 'STATE', 'FILE'],
        found.map((weights) => [harmless(weights.id), inBytes(weights.size), stateOf(weights), harmless(weights.path)])
      )
    )
  }
  return 0
}
