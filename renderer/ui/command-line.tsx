import { useFrameText } from '../messages/text.ts'
import styles from './command-line.module.css'
import { CopyButton } from './copy-button.tsx'

/** The command that does the same as what stands beside it. */
export function CommandLine({ command }: { command: string }) {
  const t = useFrameText()
  return (
    <span className={styles.line} dir="ltr">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long command scrolls, and the keyboard must be able to. */}
      <code tabIndex={0}>{command}</code>
      <CopyButton text={command} what={t('copy-command')} />
    </span>
  )
}
