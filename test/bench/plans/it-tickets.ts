import { type Catalogue, choice, number, service, text } from './catalogue.ts'

export const itTickets: Catalogue = {
  name: 'IT tickets',
  services: [
    service('get-ticket', 'Reads a ticket.', {
      takes: { ticketId: text() },
      gives: { title: text(), problem: text('As the person wrote it'), requesterEmail: text(), deviceId: text() }
    }),
    service('classify-problem', 'Decides which team a problem belongs to and how urgent it is.', {
      takes: { problem: text('The problem in words') },
      gives: { category: text(), team: text(), urgency: choice('low', 'normal', 'high') }
    }),
    service('search-knowledge', 'Looks for a known solution of a problem.', {
      takes: { question: text('The problem in words') },
      gives: { articleId: text(), solution: text(), confidence: number('0 to 1') }
    }),
    service('assign-ticket', 'Gives a ticket to a team.', {
      takes: { ticketId: text(), team: text() },
      gives: { assignee: text() },
      revertible: true
    }),
    service('reply-to-ticket', 'Writes an answer into a ticket.', {
      takes: { ticketId: text(), message: text('The answer') },
      gives: { commentId: text() }
    }),
    service('look-up-device', "Tells a device's host name, operating system and owner.", {
      takes: { deviceId: text() },
      gives: { hostName: text(), operatingSystem: text(), ownerEmail: text() }
    }),
    service('reset-password', "Resets a person's password.", {
      takes: { email: text('Whose password') },
      gives: { temporaryPassword: text(), expiresAt: text() }
    }),
    service('restart-host', 'Restarts a computer.', {
      takes: { hostName: text() },
      gives: { status: text() }
    })
  ],
  actions: [
    {
      action: 'Show me the ticket INC-20413.',
      data: {},
      expected: { services: ['get-ticket'], references: { 'get-ticket.ticketId': [{ constant: 'INC-20413' }] } }
    },
    {
      action: 'Which team should look after this problem?',
      data: { problem: 'The VPN disconnects every ten minutes.' },
      expected: { services: ['classify-problem'], references: { 'classify-problem.problem': ['data.problem'] } }
    },
    {
      action: 'Restart the computer with this device id.',
      data: { deviceId: 'D-7781' },
      expected: {
        services: ['look-up-device', 'restart-host'],
        references: { 'look-up-device.deviceId': ['data.deviceId'], 'restart-host.hostName': ['look-up-device.hostName'] }
      }
    },
    {
      action: 'Reset the password of the person who opened this ticket.',
      data: { ticketId: 'INC-3002' },
      expected: {
        services: ['get-ticket', 'reset-password'],
        references: { 'get-ticket.ticketId': ['data.ticketId'], 'reset-password.email': ['get-ticket.requesterEmail'] }
      }
    },
    {
      action: 'Give the ticket to the team that fits its problem.',
      data: { ticketId: 'INC-4120' },
      expected: {
        services: ['get-ticket', 'classify-problem', 'assign-ticket'],
        references: {
          'get-ticket.ticketId': ['data.ticketId'],
          'classify-problem.problem': ['get-ticket.problem', 'get-ticket.title'],
          'assign-ticket.ticketId': ['data.ticketId'],
          'assign-ticket.team': ['classify-problem.team']
        }
      }
    },
    {
      action: 'Answer the ticket with the solution from the knowledge base.',
      data: { ticket: 'INC-8814' },
      expected: {
        services: ['get-ticket', 'search-knowledge', 'reply-to-ticket'],
        references: {
          'get-ticket.ticketId': ['data.ticket'],
          'search-knowledge.question': ['get-ticket.problem', 'get-ticket.title'],
          'reply-to-ticket.ticketId': ['data.ticket'],
          'reply-to-ticket.message': ['search-knowledge.solution']
        }
      }
    },
    {
      action: 'Read the ticket, then at the same time classify its problem, look for a solution and look its device up.',
      data: { ticketId: 'INC-5150' },
      expected: {
        services: ['get-ticket', 'classify-problem', 'search-knowledge', 'look-up-device'],
        references: {
          'get-ticket.ticketId': ['data.ticketId'],
          'classify-problem.problem': ['get-ticket.problem', 'get-ticket.title'],
          'search-knowledge.question': ['get-ticket.problem', 'get-ticket.title'],
          'look-up-device.deviceId': ['get-ticket.deviceId']
        }
      }
    },
    {
      action: 'Restart the device of this ticket and tell the ticket how that went.',
      data: { ticketId: 'INC-9009' },
      expected: {
        services: ['get-ticket', 'look-up-device', 'restart-host', 'reply-to-ticket'],
        references: {
          'get-ticket.ticketId': ['data.ticketId'],
          'look-up-device.deviceId': ['get-ticket.deviceId'],
          'restart-host.hostName': ['look-up-device.hostName'],
          'reply-to-ticket.ticketId': ['data.ticketId'],
          'reply-to-ticket.message': ['restart-host.status']
        }
      }
    },
    { action: 'Encrypt the disk of this device.', data: { deviceId: 'D-100' }, expected: 'impossible' },
    { action: 'Order pizza for the whole team.', data: { people: 9 }, expected: 'impossible' }
  ]
}
