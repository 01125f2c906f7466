/** What of a keyboard event says which keys are down. */
export type Press = { key: string; ctrlKey: boolean; metaKey: boolean; shiftKey: boolean; altKey: boolean }

/** Whether these are exactly the keys of a shortcut such as `mod+shift+c`. Signs that a layout has under Shift (German "/") may have it. */
export function isPressed(shortcut: string, press: Press): boolean {
  const parts = shortcut.split('+')
  const key = parts.at(-1) ?? ''
  return (
    press.key.toLowerCase() === key &&
    (press.ctrlKey || press.metaKey) === parts.includes('mod') &&
    press.altKey === parts.includes('alt') &&
    (!/^[a-z]$/.test(key) || press.shiftKey === parts.includes('shift'))
  )
}
