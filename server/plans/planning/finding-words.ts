import type { Service } from '#contracts/plan.ts'
import type { Detail, Finding } from './finding.ts'

/**
 * A finding in words. `simple` says what is wrong, `explained` also what is expected; `developer_diagnostic` addresses who wrote the services, because a model that
 * failed twice will hardly mend it.
 */
export function wordFinding(finding: Finding, detail: Detail, services: readonly Service[]): string {
  const { problem, expected, fix } = describe(finding, services)
  if (detail === 'simple') return problem
  if (detail === 'explained') return `${problem}. ${expected}`
  return `Planning error: ${problem}. ${expected}. To fix it: ${fix}`
}

/** What a developer is told to change. */
export function wordFix(finding: Finding, services: readonly Service[]): string {
  return describe(finding, services).fix
}

/** What is wrong, in one clause. */
export function wordProblem(finding: Finding, services: readonly Service[]): string {
  return describe(finding, services).problem
}

type Words = { problem: string; expected: string; fix: string }

function describe(finding: Finding, services: readonly Service[]): Words {
  const nameOf = (id: string) => {
    const name = services.find((service) => service.id.toLowerCase() === id.toLowerCase())?.name
    return name === undefined ? id : `${name} (${id})`
  }
  const model = 'try again, or plan with a larger model'
  switch (finding.kind) {
    case 'unreadable':
      return {
        problem: `the answer holds no plan that can be read: ${finding.problem}`,
        expected: `Answer with one JSON object in a ${'```json'} block`,
        fix: model
      }
    case 'domain':
      return {
        problem: finding.problem,
        expected: 'The plan must keep to the rules and capabilities of its domain',
        fix: 'change the grounding, or register a service that it allows'
      }
    case 'task0_absent':
      return {
        problem: 'task0 not found in the plan',
        expected: 'The plan needs exactly one task0, without a service, that holds the data and constants',
        fix: model
      }
    case 'several_task0':
      return { problem: `there are ${finding.count} tasks called task0`, expected: 'Put all data and constants into one task0', fix: model }
    case 'task0_has_service':
      return {
        problem: `task0 has the service ${nameOf(finding.service)}`,
        expected: 'task0 only holds data and constants; give the service a task of its own',
        fix: model
      }
    case 'no_tasks':
      return {
        problem: 'the plan has no task for any service',
        expected: 'Each step of the action is a task with one of the services listed',
        fix: 'register services that do what the action asks for, or word the action so that it names what is to be done'
      }
    case 'task_without_service':
      return { problem: `${finding.task} has no service`, expected: 'Each task but task0 uses exactly one of the services listed', fix: model }
    case 'invalid_task_id':
      return { problem: `${JSON.stringify(finding.task)} cannot be the id of a task`, expected: 'Ids are task1, task2, …', fix: model }
    case 'duplicate_task_id':
      return {
        problem: `${finding.count} tasks are called ${finding.task}`,
        expected: 'Each task needs an id of its own: task1, task2, …',
        fix: model
      }
    case 'missing_parameter':
      return describeMissingParameter(finding, nameOf)
    case 'composite_reference':
      return describeComposite(finding, nameOf)
    case 'malformed_reference':
      return {
        problem: `${finding.input} of ${finding.task} is ${JSON.stringify(finding.value)}, which is not one whole reference`,
        expected: 'An input is either a constant or one reference $<task>.<field> and nothing else',
        fix: `let the service take each value as an input of its own instead of a text made of several`
      }
    case 'nested_reference':
      return {
        problem: `${finding.input} of ${finding.task} has ${finding.refs.join(', ')} inside an object or array, where references are not filled in`,
        expected: 'A reference is the whole value of an input',
        fix: `give the service an input for each of these values, or have an earlier service make the whole object`
      }
    case 'unknown_service':
      return {
        problem: `${finding.task} uses the service ${JSON.stringify(finding.service)}, which does not exist`,
        expected: `Use the id of a listed service: ${finding.known.slice(0, 20).join(', ')}${finding.known.length > 20 ? `, and ${finding.known.length - 20} more` : ''}`,
        fix: 'register a service that does this step, or word the action for those there are'
      }
    case 'unsupported_input':
      return {
        problem: `${finding.task}: ${nameOf(finding.service)} has no input ${finding.input}`,
        expected: finding.takes.length === 0 ? 'It takes no input at all' : `It takes ${finding.takes.join(', ')}`,
        fix: `add ${finding.input} to the input schema of ${nameOf(finding.service)}, or leave it out of the action`
      }
    case 'missing_input':
      return {
        problem: `${finding.task}: ${nameOf(finding.service)} needs the input ${finding.input} (${finding.type})`,
        expected: `Give it a reference to task0 or to the output of an earlier task`,
        fix: `send ${finding.input} with the action, make it optional in the schema of ${nameOf(finding.service)} ("required"), or register a service whose output has it`
      }
    case 'unknown_task':
      return {
        problem: `${finding.input} of ${finding.task} refers to ${finding.reference}, and there is no such task`,
        expected: `There are ${finding.known.join(', ')}`,
        fix: model
      }
    case 'self_reference':
      return {
        problem: `${finding.input} of ${finding.task} refers to its own output, ${finding.reference}`,
        expected: 'Refer to task0 or to another task that runs before',
        fix: model
      }
    case 'cyclic_reference':
      return {
        problem: `${finding.tasks.join(', ')} wait for each other in a circle`,
        expected: 'Each task may only use what tasks before it give',
        fix: 'split a service that both needs and gives the same thing into two'
      }
    case 'missing_field': {
      const where = finding.service === undefined ? finding.from : `${finding.from} (${nameOf(finding.service)})`
      return {
        problem: `${finding.input} of ${finding.task} refers to ${finding.reference}, and ${where} has no such field`,
        expected: finding.has.length === 0 ? 'It has no fields' : `It has ${finding.has.join(', ')}`,
        fix:
          finding.service === undefined ? `send the value with the action's data` : `add the field to the output schema of ${nameOf(finding.service)}`
      }
    }
    case 'wrong_type':
      return {
        problem: `${finding.input} of ${finding.task} takes ${finding.wanted}, and ${finding.reference} is ${finding.given}`,
        expected: `Refer to something of type ${finding.wanted}`,
        fix: `make the types in the schemas of ${nameOf(finding.service)} and of the service that gives the value the same`
      }
    case 'wrong_value':
      return {
        problem: `${finding.input} of ${finding.task} ${finding.problem}`,
        expected: finding.isData
          ? 'It is a value of the request: send another one, or use another service'
          : `Give a value that ${nameOf(finding.service)} takes`,
        fix: `send a value that fits, or widen the schema of ${nameOf(finding.service)}`
      }
    case 'no_source':
      return {
        problem: `${nameOf(finding.service)} needs ${finding.input} (${finding.type}), and nothing gives it`,
        expected:
          finding.givers.length === 0
            ? 'Choose another service'
            : `Choose a service before it that gives it: ${finding.givers.map(nameOf).join(', ')}`,
        fix: `send ${finding.input} with the action, make it optional in the schema of ${nameOf(finding.service)}, or register a service whose output has it`
      }
  }
}

function describeMissingParameter(finding: Extract<Finding, { kind: 'missing_parameter' }>, nameOf: (id: string) => string): Words {
  const { parameter, embeddedIn, services } = finding
  const list = services.map(nameOf).join(', ')
  const fixes = `extend the input schema of ${list === '' ? 'the services' : list} so that it takes ${parameter}, or drop ${parameter} from the request`
  if (embeddedIn.length === 0)
    return {
      problem: `${parameter} of the action's data is absent from task0`,
      expected: `task0 must have ${parameter} as a key of its own`,
      fix: fixes
    }
  return {
    problem: `${parameter} of the action's data is missing in task0: it seems to be embedded in the text of ${embeddedIn.join(', ')}`,
    expected: `${parameter} must be a key of its own in task0, and the text of ${embeddedIn.join(', ')} must not repeat it`,
    fix: fixes
  }
}

function describeComposite(finding: Extract<Finding, { kind: 'composite_reference' }>, nameOf: (id: string) => string): Words {
  const { task, input, form, refs, value } = finding
  const what = form === 'multiple_refs' ? `several references (${refs.join(', ')})` : `text beside the reference ${refs[0]}`
  return {
    problem: `${input} of ${task} has ${what}: ${JSON.stringify(value)}`,
    expected: `Each input is exactly one reference, such as ${JSON.stringify(refs[0])}`,
    fix: `give the service of ${nameOf(task)} an input for each value, so that none has to be put together`
  }
}
