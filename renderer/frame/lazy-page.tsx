import { Component, type ComponentType, lazy, type ReactNode, Suspense } from 'react'
import { ApiError } from '../api.ts'
import { useFrameText } from '../messages/text.ts'
import { useLanguage } from '../text/text.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-note.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import styles from './lazy-page.module.css'
import type { Page, PageProps } from './page.ts'

const components = new Map<string, ComponentType<PageProps>>()

/** A page, fetched when it is first gone to. What breaks in it breaks no other. */
export function LazyPage({ page }: { page: Page }) {
  const { language } = useLanguage()
  const known = components.get(page.name)
  const Known = known ?? lazy(async () => ({ default: (await page.load()).Component }))
  components.set(page.name, Known)
  return (
    <Boundary key={page.name}>
      <Suspense fallback={<Skeleton />}>
        <Known title={page.title[language]} />
      </Suspense>
    </Boundary>
  )
}

class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (this.state.error === undefined) return this.props.children
    return <Broken error={this.state.error} />
  }
}

/** A new build has other file names, so what cannot be fetched is had by loading everything anew. */
function Broken({ error }: { error: unknown }) {
  const t = useFrameText()
  const known = error instanceof ApiError ? error : new ApiError('internal_error', t('error-page-advice'), { cause: error })
  return (
    <main id="content" className={styles.broken} role="alert">
      <ErrorNote title={t('error-page')} error={known} />
      <Button onClick={() => window.location.reload()}>{t('load-again')}</Button>
    </main>
  )
}
