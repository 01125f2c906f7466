import { call } from '../../api.ts'
import { showError, showToast } from '../../ui/toast-store.ts'
import { activityText } from './text.ts'

/** Ends a request; that it is gone is then told by the queues. */
export function useCancel(): (jobId: string, who: string) => void {
  const t = activityText.useText()
  return (jobId, who) => {
    call('cancelJob', { params: { id: jobId } }).then(
      () => showToast(t('cancelled', { who })),
      (error: unknown) => showError(t('cancel-failed', { who }), error)
    )
  }
}
