import { type Catalogue, date, number, service, text } from './catalogue.ts'

export const hr: Catalogue = {
  name: 'HR',
  services: [
    service('find-employee', 'Finds an employee by name.', {
      takes: { name: text() },
      gives: { employeeId: text(), email: text(), managerId: text('Employee id of the manager'), department: text() }
    }),
    service('get-employee', 'Shows the employee with an id.', {
      takes: { employeeId: text() },
      gives: { fullName: text(), email: text(), managerId: text('Employee id of the manager') }
    }),
    service('get-leave-balance', 'Says how many days of leave an employee has left.', {
      takes: { employeeId: text() },
      gives: { daysLeft: number() }
    }),
    service('request-leave', 'Files a request for leave.', {
      takes: { employeeId: text(), firstDay: date(), lastDay: date() },
      gives: { requestId: text(), status: text() },
      revertible: true
    }),
    service('get-job', 'Shows an open position.', {
      takes: { jobId: text() },
      gives: { jobTitle: text(), requirements: text(), hiringManagerEmail: text() }
    }),
    service('screen-application', "Compares a candidate's resume with the requirements of a position.", {
      takes: { resume: text(), requirements: text() },
      gives: { score: number('0 to 100'), summary: text('Of strengths and gaps') }
    }),
    service('write-contract', 'Writes a contract of employment.', {
      takes: { candidateName: text(), jobTitle: text(), salary: number('Per year, in euros') },
      gives: { contractUrl: text() }
    }),
    service('send-message', 'Sends a message to an e-mail address.', {
      takes: { to: text('E-mail address'), message: text() },
      gives: { messageId: text() }
    })
  ],
  actions: [
    {
      action: 'Find the employee with this name.',
      data: { name: 'Katherine Johnson' },
      expected: { services: ['find-employee'], references: { 'find-employee.name': ['data.name'] } }
    },
    {
      action: 'How many days of leave does Dorothy Vaughan have left?',
      data: {},
      expected: {
        services: ['find-employee', 'get-leave-balance'],
        references: {
          'find-employee.name': [{ constant: 'Dorothy Vaughan' }],
          'get-leave-balance.employeeId': ['find-employee.employeeId']
        }
      }
    },
    {
      action: 'Request leave for the employee.',
      data: { employeeName: 'Mary Jackson', firstDay: '2026-08-03', lastDay: '2026-08-14' },
      expected: {
        services: ['find-employee', 'request-leave'],
        optional: ['get-leave-balance'],
        references: {
          'find-employee.name': ['data.employeeName'],
          'request-leave.employeeId': ['find-employee.employeeId'],
          'request-leave.firstDay': ['data.firstDay'],
          'request-leave.lastDay': ['data.lastDay']
        }
      }
    },
    {
      action: "Send this message to the employee's manager.",
      data: { employeeName: 'Annie Easley', message: 'The review is on Monday at ten.' },
      expected: {
        services: ['find-employee', 'get-employee', 'send-message'],
        references: {
          'find-employee.name': ['data.employeeName'],
          'get-employee.employeeId': ['find-employee.managerId'],
          'send-message.to': ['get-employee.email'],
          'send-message.message': ['data.message']
        }
      }
    },
    {
      action: 'How well does the resume fit the position?',
      data: { resume: 'Ten years of analytical chemistry, team lead.', position: 'J-118' },
      expected: {
        services: ['get-job', 'screen-application'],
        references: {
          'get-job.jobId': ['data.position'],
          'screen-application.resume': ['data.resume'],
          'screen-application.requirements': ['get-job.requirements']
        }
      }
    },
    {
      action: 'Screen the resume for the position and send the summary to the hiring manager.',
      data: { resume: 'Electrician, five years in plants.', jobId: 'J-204' },
      expected: {
        services: ['get-job', 'screen-application', 'send-message'],
        references: {
          'get-job.jobId': ['data.jobId'],
          'screen-application.resume': ['data.resume'],
          'screen-application.requirements': ['get-job.requirements'],
          'send-message.to': ['get-job.hiringManagerEmail'],
          'send-message.message': ['screen-application.summary']
        }
      }
    },
    {
      action: 'Write the contract of the candidate for this position and send the link to the hiring manager.',
      data: { candidateName: 'Rosalind Franklin', jobId: 'J-77', salary: 61000 },
      expected: {
        services: ['get-job', 'write-contract', 'send-message'],
        references: {
          'get-job.jobId': ['data.jobId'],
          'write-contract.candidateName': ['data.candidateName'],
          'write-contract.jobTitle': ['get-job.jobTitle'],
          'write-contract.salary': ['data.salary'],
          'send-message.to': ['get-job.hiringManagerEmail'],
          'send-message.message': ['write-contract.contractUrl']
        }
      }
    },
    {
      action: 'Show how many days of leave both colleagues have left.',
      data: { firstEmployeeId: 'E-12', secondEmployeeId: 'E-31' },
      expected: {
        services: ['get-leave-balance', 'get-leave-balance'],
        references: [
          ['get-leave-balance.employeeId', ['data.firstEmployeeId']],
          ['get-leave-balance.employeeId', ['data.secondEmployeeId']]
        ]
      }
    },
    { action: 'Translate the novel into Finnish.', data: { novel: 'Moby-Dick' }, expected: 'impossible' }
  ]
}
