import { Component, type ReactNode, useEffect, useState } from 'react'
import { ApiError } from '../api.ts'
import { useFrameText } from '../messages/text.ts'
import { useLanguage } from '../text/text.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-note.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import styles from './lazy-page.module.css'
import { loadedPage, loadPage } from './load-page.ts'
import type { Page } from './page.ts'

/**
 * A page, fetched when it is first gone to. What breaks in it breaks no other. Not by React's `lazy`: once something stands in for what is
 * fetched, React lets it stand for 300 ms.
 */
export function LazyPage({ page }: { page: Page }) {
  const { language } = useLanguage()
  const [, setFetched] = useState<string>()
  const [failure, setFailure] = useState<unknown>()
  const Known = loadedPage(page)
  useEffect(() => {
    setFailure(undefined)
    loadPage(page).then(() => setFetched(page.name), setFailure)
  }, [page])
  if (failure !== undefined) return <Broken error={failure} />
  if (Known === undefined) return <Skeleton />
  return (
    <Boundary key={page.name}>
      <Known title={page.title[language]} />
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
