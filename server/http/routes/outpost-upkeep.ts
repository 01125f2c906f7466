import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Adoption, EndpointName, GarbageOrder } from '#contracts/api.ts'
import type { BundleImportOrder, BundlePath } from '#contracts/bundle.ts'
import type { Policy } from '#contracts/policy.ts'
import { audit } from '../audit.ts'
import type { RouteContext } from './context.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown
type UpkeepName = Extract<
  EndpointName,
  | 'removeModel'
  | 'pinModel'
  | 'unpinModel'
  | 'verifyModel'
  | 'verifyStore'
  | 'verification'
  | 'adoptModel'
  | 'collectGarbage'
  | 'policy'
  | 'setPolicy'
  | 'inspectBundle'
  | 'importBundle'
  | 'bundleImport'
  | 'signers'
>

/** What an administrator does to weights that are here, and to what may come. The routes' schemas parsed every body and parameter. */
export function upkeepHandlers({ services }: RouteContext): Record<UpkeepName, Handler> {
  const { upkeep, bundles, models, log } = services
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id
  const pin =
    (pinned: boolean): Handler =>
    (request) => {
      const done = upkeep.setPinned(idOf(request), pinned, request.client.id)
      audit(log, request.client, pinned ? 'pin model' : 'unpin model', { model: done.model })
      return done
    }
  /** Its results are seen in `GET /outpost/store/verification`. */
  const verify = (model?: string) => {
    upkeep.verify(model).catch((error) => log.warn({ model, err: error }, 'verification ended early'))
  }
  return {
    removeModel(request) {
      const removed = upkeep.remove(idOf(request))
      audit(log, request.client, 'remove model', removed)
      return removed
    },
    pinModel: pin(true),
    unpinModel: pin(false),
    verifyModel(request, reply) {
      const model = models.resolve(idOf(request)).id
      verify(model)
      audit(log, request.client, 'verify model', { model })
      return reply.code(202).send({ accepted: true, model })
    },
    verifyStore(request, reply) {
      verify()
      audit(log, request.client, 'verify store')
      return reply.code(202).send({ accepted: true })
    },
    verification: () => upkeep.verification(),
    async adoptModel(request, reply) {
      const { path, name } = request.body as Adoption
      const model = await upkeep.adopt(path, name)
      audit(log, request.client, 'adopt model', { model, path })
      return reply.code(201).send({ model })
    },
    async collectGarbage(request) {
      const report = await upkeep.collectGarbage(request.body as GarbageOrder)
      if (!report.dryRun) audit(log, request.client, 'collect garbage', { items: report.items.length, freed: report.freed })
      return report
    },
    inspectBundle: (request) => bundles.inspect((request.body as BundlePath).path),
    async importBundle(request, reply) {
      const order = request.body as BundleImportOrder
      audit(log, request.client, 'import bundle', { ...order })
      return reply.code(202).send({ import: await bundles.start(order, `${request.client.name}, by POST /outpost/bundles/import`) })
    },
    bundleImport: () => ({ import: bundles.status() }),
    signers: () => ({ signers: bundles.signers() }),
    policy: () => upkeep.policy(),
    setPolicy(request) {
      const policy = upkeep.setPolicy(request.body as Policy, request.client.id)
      audit(log, request.client, 'set policy', { policy })
      return policy
    }
  }
}
