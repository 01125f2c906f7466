import { getLlama, LlamaLogLevel } from 'node-llama-cpp'

// A program of its own, because a broken driver can take the process down. Its last line on stdout is what llama.cpp can compute on.
const llama = await getLlama({ build: 'never', skipDownload: true, logLevel: LlamaLogLevel.disabled })
const devices = llama.gpu === false ? [] : await llama.getGpuDeviceNames()
const { total, free } = llama.gpu === false ? { total: 0, free: 0 } : await llama.getVramState()
process.stdout.write(`${JSON.stringify({ gpu: llama.gpu, devices, total, free })}\n`)
await llama.dispose()
