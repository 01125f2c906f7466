import type { KeyboardEvent } from 'react'
import { useLanguage } from '../../text/text.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import styles from './activity.module.css'
import { type LanePicture, type LiveRequest, type ModelPicture, tones } from './queue-picture.ts'
import { RequestBlock } from './request-block.tsx'
import { activityText } from './text.ts'

/** More than a line of blocks tells nobody more. */
const shownInLane = 40

export type BlockContext = {
  openId: string | undefined
  now: number
  nameOf: (clientId: string) => string
  isOwn: (clientId: string) => boolean
  onOpen: (jobId: string) => void
  onFocus: (jobId: string | undefined) => void
}

/** A model with what runs in its slots and who waits for it in which lane. */
export function ModelQueue({ picture, context }: { picture: ModelPicture; context: BlockContext }) {
  const t = activityText.useText()
  const { name, model, slots, lanes, elsewhere, running, waiting } = picture
  return (
    <li className={styles.model}>
      <section aria-label={name} onKeyDown={moveByArrows}>
        <header className={styles.modelHead}>
          <h3>{name}</h3>
          {model === undefined ? null : <ModelState picture={picture} />}
          <span className={styles.counts}>{t('counts', { running, waiting })}</span>
        </header>
        <ul className={styles.slots} aria-label={t('slots')}>
          {slots.map((slot, i) => (
            <li
              key={slot.type === 'request' ? slot.request.jobId : `${slot.type}-${i}`}
              className={slot.type === 'request' ? undefined : styles[slot.type]}
            >
              {slot.type === 'request' ? <Block request={slot.request} context={context} wide /> : t(`slot-${slot.type}`)}
            </li>
          ))}
          {slots.length === 0 ? <li className={styles.none}>{t('no-slots')}</li> : null}
        </ul>
        <dl className={styles.lanes}>
          {lanes.map((lane) => (
            <div key={lane.lane} className={styles.lane}>
              <dt>{t(`lane-${lane.lane}`)}</dt>
              <dd>
                <LaneBlocks lane={lane} context={context} />
              </dd>
            </div>
          ))}
        </dl>
        {elsewhere === 0 ? null : <p className={styles.quiet}>{t('elsewhere', { count: elsewhere })}</p>}
      </section>
    </li>
  )
}

function LaneBlocks({ lane: { requests, hidden }, context }: { lane: LanePicture; context: BlockContext }) {
  const t = activityText.useText()
  if (requests.length === 0 && hidden === 0) return <span className={styles.quiet}>{t('nobody')}</span>
  const more = Math.max(0, requests.length - shownInLane)
  return (
    <>
      {requests.slice(0, shownInLane).map((request) => (
        <Block key={request.jobId} request={request} context={context} />
      ))}
      {more === 0 ? null : <span className={styles.quiet}>{t('more', { count: more })}</span>}
      {hidden === 0 ? null : <span className={styles.quiet}>{t('others', { count: hidden })}</span>}
    </>
  )
}

function Block({ request, context, wide = false }: { request: LiveRequest; context: BlockContext; wide?: boolean }) {
  const { openId, now, nameOf, isOwn, onOpen, onFocus } = context
  const { jobId, clientId } = request
  return (
    <RequestBlock
      request={request}
      who={nameOf(clientId)}
      isOwn={isOwn(clientId)}
      isOpen={jobId === openId}
      now={now}
      wide={wide}
      onOpen={onOpen}
      onFocus={onFocus}
    />
  )
}

function ModelState({ picture: { model } }: { picture: ModelPicture }) {
  const t = activityText.useText()
  const { formats } = useLanguage()
  if (model === undefined) return null
  const { state, percent } = model
  const word =
    state === 'loading' || state === 'pulling'
      ? t(`state-${state}`, { percent: percent === null ? '' : formats.percent(percent) })
      : t(`state-${state}`)
  return <StateMark tone={tones[state]}>{word}</StateMark>
}

/** The arrows go from block to block of a model, beside the tab key. */
function moveByArrows(event: KeyboardEvent<HTMLElement>): void {
  const isLeftToRight = document.documentElement.dir !== 'rtl'
  const step = { ArrowRight: isLeftToRight ? 1 : -1, ArrowLeft: isLeftToRight ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step === undefined) return
  const blocks = [...event.currentTarget.querySelectorAll('button')]
  const at = blocks.findIndex((block) => block.matches(':focus'))
  const next = blocks[at + step]
  if (at === -1 || next === undefined) return
  event.preventDefault()
  next.focus()
}
