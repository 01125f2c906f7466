import styles from './key-hint.module.css'

const isMac = /Mac|iPhone|iPad/.test(navigator.platform)
const names: Record<string, string> = isMac
  ? { mod: '⌘', shift: '⇧', alt: '⌥', enter: '⏎', escape: 'Esc' }
  : { mod: 'Ctrl', shift: 'Shift', alt: 'Alt', enter: 'Enter', escape: 'Esc' }

/** A shortcut as the keyboard has it: `mod+shift+c`. */
export function KeyHint({ shortcut }: { shortcut: string }) {
  return (
    <kbd className={styles.keys} dir="ltr">
      {shortcut.split('+').map((key) => (
        <span key={key}>{names[key] ?? key.toUpperCase()}</span>
      ))}
    </kbd>
  )
}
