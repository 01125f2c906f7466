import { ChatRequest, Generation } from '#contracts/chat.ts'
import type { ChatMessage, ChatSettings } from '#contracts/chats.ts'
import type { Lane } from '#contracts/job.ts'
import type { Client } from '#contracts/key.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { EventListener, JobHandle, Submission } from '../queue/dispatcher.ts'
import type { ChatAttachmentStore } from '../store/chat-attachments.ts'
import type { ChatMessageStore, StoredMessage } from '../store/chat-messages.ts'
import type { StoredChat } from '../store/chats.ts'
import { textOf } from './attachment-text.ts'
import { toPrompt } from './prompt.ts'
import { createRecording, type Recording } from './recording.ts'

/** The queue as far as answers need it. */
export type ChatJobs = {
  submit(submission: Submission, listener: EventListener): Promise<JobHandle>
  follow(jobId: string, afterSeq: number, listener: EventListener): Promise<JobHandle & { clientId: string }>
  cancel(jobId: string): Promise<boolean>
}

export type AnswerOrder = {
  client: Client
  requestId: string
  lane: Lane
  chat: StoredChat
  /** What is answered. */
  parent: StoredMessage
  model: { id: string; contextWindow: number }
  settings: Pick<ChatSettings, 'systemPrompt' | 'generation' | 'reasoning'>
  /** False: the active branch stays where it is. */
  activate?: boolean
  /** Hears the job's events beside the recording. */
  listener?: EventListener
}

export type StartedAnswer = {
  message: ChatMessage
  /** Stops telling `listener`; the answer goes on. */
  handle: JobHandle
}

export type Generations = {
  /** Begins an answer. Throws what keeps the queue from taking it; nothing is written then. */
  start(order: AnswerOrder): Promise<StartedAnswer>
  /** Writes what came so far, so that a reader gets all of it. */
  flush(): void
  /** Ends answers that are being written. Returns how many. */
  stop(chat: StoredChat, messageId: string | undefined): Promise<number>
  /** After a start, when the queue has looked after what was left: goes on with the jobs there are, and marks the other answers as interrupted. */
  recover(): Promise<void>
  close(): void
}

/** What came is written down this often. */
const writeMs = 1000

/** Answers are written by the server, whoever reads them: a page that is closed, reloaded or opened twice loses nothing. */
export function createGenerations(options: { jobs: ChatJobs; messages: ChatMessageStore; attachments: ChatAttachmentStore; log: Log }): Generations {
  const { jobs, messages, attachments, log } = options
  const running = new Map<number, { recording: Recording; changed: boolean }>()
  let timer: NodeJS.Timeout | undefined

  const write = (number: number, recording: Recording) => {
    try {
      messages.change(number, recording.toChange())
    } catch (error) {
      log.error({ err: error }, 'an answer could not be written')
    }
  }
  const flush = () => {
    for (const [number, entry] of running) {
      if (!entry.changed) continue
      entry.changed = false
      write(number, entry.recording)
    }
  }
  const end = (number: number, recording: Recording) => {
    running.delete(number)
    if (running.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
    write(number, recording)
    try {
      messages.index(number)
    } catch (error) {
      log.error({ err: error }, 'an answer could not be put into the search')
    }
  }
  const record = (number: number, recording: Recording): EventListener => {
    const entry = { recording, changed: false }
    running.set(number, entry)
    timer ??= setInterval(flush, writeMs).unref()
    return (events) => {
      if (!running.has(number)) return
      entry.changed = true
      if (recording.hear(events)) end(number, recording)
    }
  }

  return {
    async start({ client, requestId, lane, chat, parent, model, settings, activate = true, listener }) {
      const branch = messages.branch(chat, parent.number, Number.MAX_SAFE_INTEGER).messages.map(({ message }) => message)
      const request = ChatRequest.parse({
        model: model.id,
        messages: toPrompt(branch, settings.systemPrompt, {
          text: (attachment) => textOf(attachments, chat.owner, attachment),
          data: ({ id }) => attachments.data(chat.owner, id)
        }),
        generation: Generation.parse(settings.generation),
        features: { reasoning: settings.reasoning }
      } satisfies Partial<ChatRequest>)
      const written = messages.add(chat, {
        parent: parent.number,
        role: 'assistant',
        content: [],
        activate,
        state: 'generating',
        model: model.id,
        contextWindow: model.contextWindow
      })
      const hear = record(written.number, createRecording({ askedAt: performance.now() }))
      let forward = listener
      try {
        const submission = { client, requestId, lane, priority: 0, detached: true, kind: 'chat' as const, request }
        const { jobId } = await jobs.submit(submission, (events) => {
          hear(events)
          forward?.(events)
        })
        messages.change(written.number, { jobId })
        return {
          message: messages.byNumber(written.number).message,
          // Leaving the job itself would end the recording.
          handle: {
            jobId,
            leave() {
              forward = undefined
            }
          }
        }
      } catch (error) {
        running.delete(written.number)
        messages.takeBack(written.number)
        throw error
      }
    },
    flush,
    async stop(chat, messageId) {
      const wanted = messages.generating(chat).filter(({ id }) => messageId === undefined || id === messageId)
      let stopped = 0
      for (const { number, jobId } of wanted) {
        if (jobId === null) continue
        if (await jobs.cancel(jobId)) stopped++
        // Nobody writes it any more, and nobody said so.
        else if (!running.has(number)) messages.change(number, { state: 'interrupted', seq: null })
      }
      return stopped
    },
    async recover() {
      for (const { number, jobId } of messages.generating()) {
        if (running.has(number)) continue
        const { message } = messages.byNumber(number)
        try {
          if (jobId === null) throw new AppError('not_found', 'its job never came to be')
          await jobs.follow(jobId, -1, record(number, createRecording({ known: message.timings })))
        } catch (error) {
          running.delete(number)
          if (!(error instanceof AppError) || error.code !== 'not_found') log.warn({ jobId, err: error }, 'an answer could not be gone on with')
          messages.change(number, { state: 'interrupted', seq: null })
          messages.index(number)
        }
      }
    },
    close() {
      clearInterval(timer)
      flush()
    }
  }
}
