import type { EndpointName } from '#contracts/api.ts'
import type { ModelStatus } from '#contracts/model.ts'
import { call } from '../../api.ts'
import { useMay } from '../../session/session.ts'
import { useLanguage } from '../../text/text.ts'
import { showError, showToast } from '../../ui/toast-store.ts'
import { type Order, ordersFor } from './model-list.ts'
import { modelsText } from './text.ts'

const endpointOf: Record<Order, EndpointName> = {
  pull: 'pullModel',
  stop: 'stopPull',
  load: 'loadModel',
  unload: 'unloadModel',
  remove: 'removeModel'
}

export type ModelOrders = {
  /** What this user can do to this model now. */
  possible: Order[]
  mayPin: boolean
  /** Says what came of it. */
  give(order: Order): void
  setPinned(pinned: boolean): void
}

/** What can be done to a model; how it goes on from there is seen in its state, which comes by itself. */
export function useModelOrders(model: ModelStatus): ModelOrders {
  const t = modelsText.useText()
  const { formats } = useLanguage()
  const may = useMay()
  const { id, name } = model
  const params = { id }
  const orders: Record<Order, () => Promise<string>> = {
    pull: async () => {
      await call('pullModel', { params })
      return t('pull-started', { name })
    },
    stop: async () => {
      await call('stopPull', { params })
      return t('pull-stopped', { name })
    },
    load: async () => {
      await call('loadModel', { params })
      return t('load-started', { name })
    },
    unload: async () => {
      await call('unloadModel', { params })
      return t('unload-started', { name })
    },
    remove: async () => {
      const { freed } = await call('removeModel', { params })
      return t('removed-model', { name, size: formats.size(freed) })
    }
  }
  const run = (act: () => Promise<string>) => {
    act().then(showToast, (error: unknown) => showError(t('order-failed', { name }), error))
  }
  return {
    possible: ordersFor(model).filter((order) => may(endpointOf[order])),
    mayPin: may('pinModel') && model.state !== 'absent' && model.state !== 'pulling',
    give: (order) => run(orders[order]),
    setPinned: (pinned) =>
      run(async () => {
        await call(pinned ? 'pinModel' : 'unpinModel', { params })
        return pinned ? t('pin-done', { name }) : t('unpin-done', { name })
      })
  }
}
