import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { useFrameText } from '../messages/text.ts'
import { announce } from './announcer.tsx'
import { IconButton } from './button.tsx'

/** Copies a text. `what` names it: "Copy request id". */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const t = useFrameText()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await copyText(text)
    setCopied(true)
    announce(t('copied'))
  }
  return (
    <IconButton
      label={what}
      size="small"
      icon={copied ? <Check /> : <Copy />}
      onClick={() => void copy()}
      onBlur={() => setCopied(false)}
      onMouseLeave={() => setCopied(false)}
    />
  )
}

/** Over plain HTTP from another machine browsers have no clipboard to write to, but for the old way. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text)
  const field = document.createElement('textarea')
  field.value = text
  field.className = 'hidden-visually'
  document.body.append(field)
  field.select()
  document.execCommand('copy')
  field.remove()
}
