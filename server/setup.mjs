// Runs before anything is installed (`prestart`, `pretest`): plain JavaScript, `node:` imports only, nothing newer than Node 20 knows.
// It is silent when all is there, says in one line what it does otherwise, and what it cannot do it says with the command to type.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { delimiter, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldestNode = 20
/** Redis 6.2, and every Valkey (its numbers go on from Redis 7.2). */
const oldestRedis = [6, 2]
const usualFolders = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/usr/sbin']

/** What is lacking and cannot be helped from here; the message is one line with the command to type. */
export class SetupError extends Error {}

/**
 * Why the packages of a checkout must be installed (again), or undefined. It compares what the lock file asks for with what npm wrote
 * down about what it installed, so neither a touched file nor a fresh checkout of an old commit fools it.
 */
export function packagesLacking(root, { forTests = false } = {}) {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages
  if (wanted === undefined) throw new SetupError(`${join(root, 'package-lock.json')} is missing or broken. Type: git checkout package-lock.json`)
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages
  if (installed === undefined) return 'node_modules is missing or was left half-way'
  for (const [path, item] of Object.entries(wanted)) {
    if (path === '') continue
    const here = installed[path]
    // An optional one may be for another platform; a development one is only needed for tests.
    if (here === undefined && (item.optional || item.devOptional || (item.dev && !forTests))) continue
    if (here === undefined || here.version !== item.version || here.integrity !== item.integrity) return `${path} is not as in package-lock.json`
  }
  return undefined
}

/** Whether the Node that the npm package `node` carries is in place; its files come by an install script, which npm may have refused to run. */
export function hasOwnNode(root) {
  const binary = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  return (statSync(binary, { throwIfNoEntry: false })?.size ?? 0) > 1_000_000
}

/** The first redis-server or valkey-server that is new enough; `tooOld` lists the ones that were passed over. */
export function findRedis({ path = process.env.PATH ?? '', folders = usualFolders } = {}) {
  const tooOld = []
  for (const folder of new Set([...path.split(delimiter).filter((part) => part !== ''), ...folders])) {
    for (const name of ['redis-server', 'valkey-server']) {
      const file = join(folder, name)
      if (!isExecutable(file)) continue
      const version = / v=(\d+)\.(\d+)\S*/.exec(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout ?? '')
      if (version === null) continue
      const [major, minor] = [Number(version[1]), Number(version[2])]
      if (major > oldestRedis[0] || (major === oldestRedis[0] && minor >= oldestRedis[1])) return { file, tooOld }
      tooOld.push(`${file} is ${major}.${minor}`)
    }
  }
  return { file: undefined, tooOld }
}

function main() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < oldestNode)
    throw new SetupError(`Node ${process.versions.node} is too old: Outpost needs Node ${oldestNode} or newer. Install it from https://nodejs.org`)
  const root = fileURLToPath(new URL('..', import.meta.url))
  if (process.argv.includes('--console-only')) return seeToConsole(root)
  const forTests = process.argv.includes('--for-tests')
  installPackages(root, forTests)
  seeToOwnNode(root)
  seeToRedis()
  seeToConsole(root)
  if (forTests) {
    seeToBrowser()
    seeToWeights(root)
  }
}

function installPackages(root, forTests) {
  const reason = packagesLacking(root, { forTests })
  if (reason === undefined) return
  say(`Installing packages (${reason}) …`)
  // No install scripts: what we need comes built inside the packages, and where npm runs scripts it would compile SQLite anew, with headers
  // from the network. Only the package `node` needs its script, which `seeToOwnNode` runs.
  const parameters = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...(forTests ? ['--include=dev'] : [])]
  if (!npm(root, parameters) || packagesLacking(root, { forTests }) !== undefined) {
    throw new SetupError(`The packages could not be installed. Type: cd ${root} && npm ci --ignore-scripts`)
  }
}

function seeToOwnNode(root) {
  if (hasOwnNode(root)) return
  say('Fetching Node 24 …')
  const folder = join(root, 'node_modules', 'node')
  npm(root, ['rebuild', 'node', '--foreground-scripts', '--loglevel=error'])
  // What the install script does, for an npm that keeps refusing it.
  if (!hasOwnNode(root)) run(process.execPath, ['installArchSpecificPackage.js'], { cwd: folder })
  if (!hasOwnNode(root)) throw new SetupError(`Node 24 could not be fetched. Type: cd ${folder} && node installArchSpecificPackage.js`)
}

function seeToRedis() {
  if (process.env.REDIS_URL) return
  const found = findRedis()
  if (found.file !== undefined) return
  const old = found.tooOld.length === 0 ? '' : ` (${found.tooOld.join(', ')})`
  if (process.platform === 'win32')
    throw new SetupError(
      `Redis ${oldestRedis.join('.')} or newer is needed${old}. Type: set REDIS_URL=redis://… (Redis in WSL, or on another machine)`
    )
  const installer = installers().find(({ program }) => onPath(program) !== undefined)
  if (installer === undefined)
    throw new SetupError(`Redis ${oldestRedis.join('.')} or newer is needed${old}. Install redis or valkey, or type: export REDIS_URL=redis://…`)
  const root = typeof process.getuid === 'function' && process.getuid() === 0
  const sudo = root || !installer.needsRoot ? [] : ['sudo', '-n']
  const typed = `Type: ${installer.steps.map((step) => [...(installer.needsRoot && !root ? ['sudo'] : []), ...step].join(' ')).join(' && ')}`
  const mayInstall = sudo.length === 0 || (onPath('sudo') !== undefined && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0)
  if (!installer.unattended || !mayInstall) throw new SetupError(`Redis ${oldestRedis.join('.')} or newer is needed${old}. ${typed}`)
  say(`Installing Redis with ${installer.program} …`)
  for (const step of installer.steps) {
    const [command, ...parameters] = [...sudo, ...step]
    // A failed refresh of the package lists is no reason not to try with the old ones.
    run(command, parameters, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  if (findRedis().file === undefined) throw new SetupError(`Redis could not be installed. ${typed}`)
}

function installers() {
  return [
    {
      program: 'apt-get',
      needsRoot: true,
      unattended: true,
      steps: [
        ['apt-get', 'update', '-qq'],
        ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'redis-server']
      ]
    },
    { program: 'brew', needsRoot: false, unattended: true, steps: [['brew', 'install', '--quiet', 'redis']] },
    { program: 'dnf', needsRoot: true, unattended: false, steps: [['dnf', 'install', '-y', 'valkey']] },
    { program: 'apk', needsRoot: true, unattended: false, steps: [['apk', 'add', 'valkey']] },
    { program: 'pacman', needsRoot: true, unattended: false, steps: [['pacman', '-S', '--noconfirm', 'valkey']] },
    { program: 'zypper', needsRoot: true, unattended: false, steps: [['zypper', 'install', '-y', 'valkey']] }
  ]
}

/** The models that tests run on. Here only a look; the pull itself needs the packages, and a Node that reads TypeScript. */
function seeToWeights(root) {
  const catalogue = readJson(join(root, 'models', 'catalogue.json'))
  const files = catalogue.models
    .filter(({ id }) => id === catalogue.defaults.chat || id === catalogue.defaults.embedding)
    .flatMap((model) => model.files)
  const isHere = (file) => statSync(join(root, 'models', 'cache', 'blobs', `sha256-${file.sha256}`), { throwIfNoEntry: false })?.size === file.size
  // What only a mirror has is not missed where there is no mirror.
  if (files.every((file) => isHere(file) || (file.sources.length === 0 && !process.env.OUTPOST_MIRRORS))) return
  if (!run(nodeOf(root), [join(root, 'test', 'helpers', 'pull-weights.ts')])) {
    throw new SetupError(
      'The models for the tests could not be had (see above). Put them into a folder and type: OUTPOST_MIRRORS=/that/folder npm test'
    )
  }
}

/**
 * A hash over everything the console is built from. Names and contents, no dates, so that neither a checkout nor a touched file makes it build
 * anew.
 */
export function hashOfConsole(root) {
  const hash = createHash('sha256')
  for (const folder of ['renderer', join('server', 'contracts')]) {
    for (const file of filesBelow(join(root, folder)))
      hash
        .update(`${relative(root, file)}\0`)
        .update(readFileSync(file))
        .update('\0')
  }
  return hash.update(readFileSync(join(root, 'package-lock.json'))).digest('hex')
}

/** Builds the web console when its sources are not those it was built from. Without the packages for that the server runs, and says so. */
function seeToConsole(root) {
  if (statSync(join(root, 'renderer', 'build', 'main.ts'), { throwIfNoEntry: false }) === undefined) return
  const stamp = hashOfConsole(root)
  if (readText(join(root, 'renderer', 'dist', 'sources.sha256')) === stamp) return
  if (statSync(join(root, 'node_modules', 'vite'), { throwIfNoEntry: false }) === undefined) {
    say('The console is not built, because development packages are missing. To have it, type: npm ci --ignore-scripts --include=dev')
    return
  }
  say('Building the console …')
  if (!run(nodeOf(root), [join(root, 'renderer', 'build', 'main.ts'), '--stamp', stamp])) {
    throw new SetupError('The console could not be built (see above). Type: npm run build')
  }
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (!entry.isDirectory()) return [path]
      return entry.name === 'dist' ? [] : filesBelow(path)
    })
}

/** The browser that tests drive the console in. Without one they are left out, which `test/run.ts` says. */
function seeToBrowser() {
  if (process.platform !== 'linux' || onPath('chromium') !== undefined || onPath('chromium-browser') !== undefined) return
  const isRoot = typeof process.getuid === 'function' && process.getuid() === 0
  if (
    onPath('apt-get') === undefined ||
    (!isRoot && (onPath('sudo') === undefined || spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0))
  )
    return
  say('Installing Chromium for the tests …')
  for (const step of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium']
  ]) {
    const [command, ...parameters] = [...(isRoot ? [] : ['sudo', '-n']), 'apt-get', ...step]
    run(command, parameters, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] })
  }
}

function nodeOf(root) {
  return join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

function npm(root, parameters) {
  const options = { cwd: root, stdio: ['ignore', 2, 2] }
  const script = process.env.npm_execpath
  // The npm that called us, under whatever name it is installed; else the one on PATH.
  if (script?.endsWith('npm-cli.js')) return run(process.execPath, [script, ...parameters], options)
  return run('npm', parameters, { ...options, shell: process.platform === 'win32' })
}

function run(command, parameters, options = {}) {
  return spawnSync(command, parameters, { stdio: ['ignore', 2, 2], ...options }).status === 0
}

function onPath(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...usualFolders]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function say(line) {
  process.stderr.write(`${line}\n`)
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(error.message)
    process.exitCode = 1
  }
}
