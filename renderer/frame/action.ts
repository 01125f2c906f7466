/** Something the user can do, found in the palette (Ctrl/Cmd+K) and by its shortcut. */
export type Action = {
  id: string
  title: string
  /** Actions of one group stand together. */
  group: string
  /** Also found by these words. */
  keywords?: string
  /** One of many of its kind: seen only when it is searched for. */
  isOneOfMany?: boolean
  /** `mod+shift+c`; `mod` is Ctrl, on a Mac Cmd. */
  shortcut?: string
  run: () => void
}
