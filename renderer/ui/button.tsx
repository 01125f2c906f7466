import type { ComponentProps, ReactNode } from 'react'
import styles from './button.module.css'
import { classNames } from './class-names.ts'
import { Tooltip } from './tooltip.tsx'

export type ButtonProps = Omit<ComponentProps<'button'>, 'type'> & {
  /** `primary`: the one thing this place is for; `danger`: what cannot be taken back; `plain`: no border. */
  kind?: 'primary' | 'normal' | 'danger' | 'plain'
  size?: 'normal' | 'small'
  icon?: ReactNode
  submit?: boolean
}

export function Button({ kind = 'normal', size = 'normal', icon, submit = false, className, children, ...rest }: ButtonProps) {
  return (
    <button
      type={submit ? 'submit' : 'button'}
      className={classNames(styles.button, styles[kind], size === 'small' && styles.small, className)}
      {...rest}
    >
      {icon}
      {children}
    </button>
  )
}

/** Only an icon to see; its label is heard, and read in a tooltip. */
export function IconButton({
  label,
  icon,
  kind = 'plain',
  size = 'normal',
  className,
  ...rest
}: Omit<ButtonProps, 'children' | 'icon'> & { label: string; icon: ReactNode }) {
  return (
    <Tooltip text={label}>
      <Button kind={kind} size={size} icon={icon} aria-label={label} className={classNames(styles.square, className)} {...rest} />
    </Tooltip>
  )
}
