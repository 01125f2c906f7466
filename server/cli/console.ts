import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { AppError } from '../errors.ts'
import { needServer } from './client.ts'
import { harmless, say, sayJson, table } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** A link that signs a browser in as the owner, and the browsers that are. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
  const [verb, id, ...rest] = positionals
  if (rest.length > 0) throw new UsageError(`console takes no argument ${rest.join(' ')}`)
  switch (verb) {
    case undefined: {
      const link = await (await needServer(loadConfig())).call('createSignInLink').catch(asOwner)
      if (values.json) sayJson(link)
      else say(link.url)
      return 0
    }
    case 'list': {
      const { sessions } = await (await needServer(loadConfig())).call('sessions')
      if (values.json) sayJson({ sessions })
      else if (sessions.length === 0) say('No browser is signed in: outpost console makes a link.')
      else
        say(
          table(
            ['ID', 'AS', 'SIGNED IN', 'LAST USED', 'BROWSER'],
            sessions.map((session) => [
              session.id,
              session.clientId,
              day(session.createdAt),
              day(session.usedAt),
              harmless(session.browser).slice(0, 60)
            ])
          )
        )
      return 0
    }
    case 'sign-out': {
      const client = await needServer(loadConfig())
      const { ended } = id === undefined ? await client.call('endSessions') : await client.call('endSession', { params: { id } })
      if (values.json) sayJson({ ended })
      else say(`${ended} ${ended === 1 ? 'browser is' : 'browsers are'} signed out.`)
      return 0
    }
    default:
      throw new UsageError(`console has no ${JSON.stringify(verb)}: list or sign-out, or nothing for a link`)
  }
}

/** A key may not make links: whoever has one signs in with it. */
function asOwner(error: unknown): never {
  if (error instanceof AppError && error.code === 'forbidden')
    throw new AppError(
      'forbidden',
      'only the owner’s socket makes sign-in links: without OUTPOST_URL, on the server’s machine; with a key, open the console and paste it'
    )
  throw error
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}
