import { setMaxListeners } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Usage } from '#contracts/event.ts'
import { collectJob } from '../collect-job.ts'
import type { Submission } from '../services.ts'
import { createStreamListener, startStream } from '../stream-jobs.ts'
import { laneFor } from '../wire/fields.ts'
import { completionEnd, createCompletionChunks } from '../wire/openai-completion-chunks.ts'
import { type Completion, type CompletionBody, toCompletion, toPromptRequests } from '../wire/openai-completions.ts'
import { createAnswers } from '../wire/openai-reply.ts'
import { addUsage } from '../wire/openai-usage.ts'
import { openAiStream } from './chat-completions.ts'
import { type RouteContext, resolveModel, setJobHeaders, submissionOf } from './context.ts'

const nothing: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }

/** `POST /v1/completions`: a job for each prompt, their answers merged in the order of the prompts. */
export async function completions(context: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<Completion | undefined> {
  const body = request.body as CompletionBody // The route's schema parsed it.
  const model = resolveModel(context.services, body.model, 'chat').id
  const common = submissionOf(request, { lane: laneFor(request.client, body.service_tier), priority: body.priority })
  const submissions = toPromptRequests(body, model).map((prompt) => ({ ...common, kind: 'chat' as const, request: prompt }))
  if (body.stream === true) {
    await streamCompletions(context, reply, body, submissions)
    return undefined
  }
  const jobs = submissions.map((submission) => ({ submission, ...createAnswers() }))
  const stop = new AbortController()
  // Each job listens for the end of the connection; with many prompts Node would take that for a leak.
  setMaxListeners(jobs.length + 10, reply.raw, stop.signal)
  try {
    const ended = await Promise.all(
      jobs.map(({ submission, add }) => collectJob({ ...context, reply, submission, onEvent: add, signal: stop.signal }))
    )
    const usage = jobs.reduce((sum, { result }) => addUsage(sum, result.usage), nothing)
    setJobHeaders(reply, { queueMs: ended[0]?.queueMs, cachedTokens: usage.cachedTokens, warnings: jobs.flatMap(({ result }) => result.warnings) })
    return toCompletion(
      jobs.map(({ submission, result }) => ({ prompt: submission.request.prompt, answers: result.answers })),
      { id: request.id, model, usage, echo: body.echo === true }
    )
  } finally {
    // Where one prompt failed, the others are no longer of use to anyone.
    stop.abort()
  }
}

async function streamCompletions(
  context: RouteContext,
  reply: FastifyReply,
  body: CompletionBody,
  submissions: (Submission & { kind: 'chat'; request: { prompt: string } })[]
): Promise<void> {
  const includeUsage = body.stream_options?.include_usage === true
  const [first] = submissions
  const names = { id: reply.request.id, model: first?.request.model ?? '', includeUsage }
  const stream = openAiStream(context, reply, reply.request.client.id)
  let running = submissions.length
  let usage = nothing
  await startStream(stream, () =>
    Promise.all(
      submissions.map(async (submission, i) => {
        const listener = createStreamListener(stream, {
          chunk: createCompletionChunks({
            ...names,
            firstIndex: i * submission.request.generation.n,
            echo: body.echo === true ? submission.request.prompt : undefined
          }),
          end: (event) => {
            usage = addUsage(usage, event.usage)
            running -= 1
            return running === 0 ? completionEnd({ ...names, usage }) : undefined
          }
        })
        stream.attach(await context.services.jobs.submit(submission, listener))
      })
    )
  )
}
