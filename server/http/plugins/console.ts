import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import staticFiles from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../log.ts'

/** Nothing runs and nothing is fetched but what this server serves, and no other page may frame it. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

/**
 * The console under `/`: the files of `renderer/dist`, and its one page for every address that is a page of it. `registerFiles` adds the routes,
 * once access is looked after.
 */
export function registerConsole(
  app: FastifyInstance,
  { consoleFolder: folder, log }: { consoleFolder: string | undefined; log: Log }
): { registerFiles(): Promise<void> } {
  const pages = folder === undefined ? undefined : readPages(folder)
  if (folder === undefined || pages === undefined) {
    log.warn('the console was not built: type npm run build in a checkout')
    return { registerFiles: async () => void app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs')) }
  }
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404 && isVisit(request, pages)) return sendPage(reply)
  })
  return {
    async registerFiles() {
      await app.register(staticFiles, {
        root: join(folder, 'assets'),
        prefix: '/assets/',
        // Their names hold the hash of what is in them.
        immutable: true,
        maxAge: '1y',
        preCompressed: true,
        index: false,
        schemaHide: true
      })
      app.get('/', { schema: { hide: true } }, (_request, reply) => sendPage(reply))
    }
  }

  function sendPage(reply: FastifyReply): FastifyReply {
    reply.header('content-security-policy', contentSecurityPolicy)
    reply.header('referrer-policy', 'no-referrer')
    reply.header('cross-origin-opener-policy', 'same-origin')
    reply.header('x-frame-options', 'DENY')
    reply.header('cache-control', 'no-cache')
    return reply.sendFile('index.html', folder as string, { cacheControl: false }) // Not reached without one.
  }
}

/** Somebody opens an address of the console, by hand or by a link. */
function isVisit({ method, url, headers }: FastifyRequest, pages: ReadonlySet<string>): boolean {
  if ((method !== 'GET' && method !== 'HEAD') || headers.accept?.includes('text/html') !== true) return false
  const [path = ''] = url.split('?', 1)
  return pages.has(path.split('/')[1] ?? '') && !(path.split('/').at(-1) ?? '').includes('.')
}

/** Names of the pages the build has; undefined: there is no build. */
function readPages(folder: string): ReadonlySet<string> | undefined {
  const file = join(folder, 'pages.json')
  if (!existsSync(file)) return undefined
  return new Set(JSON.parse(readFileSync(file, 'utf8')) as string[]) // Our own build wrote it.
}
