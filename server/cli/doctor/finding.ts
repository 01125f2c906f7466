/** What one look at the machine gave. `warning`: Outpost works, but not as well as it could; `broken`: it does not. */
export type Finding = {
  check: string
  state: 'fine' | 'warning' | 'broken'
  message: string
  /** What to do; only where there is something. */
  advice?: string
}
