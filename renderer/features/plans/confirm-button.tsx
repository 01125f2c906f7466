import { useState } from 'react'
import { useFrameText } from '../../messages/text.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'

/** A button for what cannot be undone: asks first, naming what will be lost. `of` says for a listener which one it is. */
export function ConfirmButton({
  label,
  of,
  title,
  text,
  onConfirm
}: {
  label: string
  of?: string
  title: string
  text: string
  onConfirm: () => void
}) {
  const frame = useFrameText()
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)} aria-label={of === undefined ? undefined : `${label} ${of}`}>
        {label}
      </Button>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title={title}
        description={text}
        actions={
          <>
            <Button onClick={() => setOpen(false)}>{frame('cancel')}</Button>
            <Button
              kind="danger"
              onClick={() => {
                setOpen(false)
                onConfirm()
              }}
            >
              {label}
            </Button>
          </>
        }
      />
    </>
  )
}
