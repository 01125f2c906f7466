import '@fontsource-variable/inter/index.css'
import '@fontsource-variable/jetbrains-mono/index.css'
import './tokens.css'
import './base.css'
import { CSPProvider } from '@base-ui/react/csp-provider'
import { DirectionProvider } from '@base-ui/react/direction-provider'
import { Tooltip } from '@base-ui/react/tooltip'
import { QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import type { ApiError } from './api.ts'
import { App } from './frame/app.tsx'
import { loadPage } from './frame/load-page.ts'
import { pageAt } from './frame/pages.ts'
import { startTheme } from './frame/theme.ts'
import { followServer } from './live/live.ts'
import { frameText, useFrameText } from './messages/text.ts'
import { askWhoIAm, prepareSession, queries, signIn, takeToken } from './session/session.ts'
import { directionOf } from './text/languages.ts'
import { startLanguage, useLanguage } from './text/text.ts'
import { showError } from './ui/toast-store.ts'

startTheme()
startLanguage()
const token = takeToken()
// What the first page needs is asked for at once and side by side; it is drawn when it is there.
const first = pageAt(window.location.pathname)
// What hinders it is said where the page would be.
if (first !== undefined) loadPage(first).catch(() => {})
const begin = () => {
  void prepareSession()
  followServer(() => void askWhoIAm())
}
if (token === undefined) begin()
const failure =
  token === undefined
    ? undefined
    : await signIn({ token }).then(
        () => undefined,
        (error: ApiError) => error
      )
if (token !== undefined) begin()
await frameText.load()

const root = document.getElementById('root')
if (root === null) throw new TypeError('index.html has a root')
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <Directed>
          <Tooltip.Provider delay={500}>
            <Entry />
          </Tooltip.Provider>
        </Directed>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>
)

function Directed({ children }: { children: ReactNode }) {
  const { language } = useLanguage()
  return <DirectionProvider direction={directionOf(language)}>{children}</DirectionProvider>
}

let told = false
/** A link that was used or is too old is said where it can be read, beside what works without it. */
function Entry() {
  const t = useFrameText()
  if (failure !== undefined && !told) {
    told = true
    queueMicrotask(() => showError(t('sign-in-failed'), failure))
  }
  return <App />
}
