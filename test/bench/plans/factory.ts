import { type Catalogue, choice, integer, number, service, text } from './catalogue.ts'

export const factory: Catalogue = {
  name: 'factory',
  services: [
    service('get-machine', 'Shows a machine: its model, its line and what it does now.', {
      takes: { machineId: text() },
      gives: { model: text(), line: text('Production line'), state: text() }
    }),
    service('read-sensor', 'Reads a value of a machine.', {
      takes: { machineId: text(), quantity: choice('temperature', 'vibration', 'pressure') },
      gives: { value: number(), unit: text() }
    }),
    service('predict-failure', 'Predicts from its vibration which part of a machine will fail.', {
      takes: { machineModel: text(), vibration: number() },
      gives: { partNumber: text('Part that will fail'), probability: number(), diagnosis: text() }
    }),
    service('stop-machine', 'Stops a machine safely.', {
      takes: { machineId: text(), reason: text() },
      gives: { stoppedAt: text() },
      revertible: true
    }),
    service('check-spare-part', 'Says whether a spare part is in stock and who sells it.', {
      takes: { partNumber: text() },
      gives: { inStock: integer(), supplierId: text() }
    }),
    service('order-spare-part', 'Orders a spare part.', {
      takes: { partNumber: text(), supplierId: text(), quantity: integer('How many', { minimum: 1 }) },
      gives: { purchaseId: text(), arrivesOn: text() },
      revertible: true
    }),
    service('create-work-order', 'Asks maintenance to work on a machine.', {
      takes: { machineId: text(), task: text('What is to be done') },
      gives: { workOrderId: text() },
      revertible: true
    }),
    service('assign-technician', 'Gives a work order to a technician.', {
      takes: { workOrderId: text() },
      gives: { technician: text(), startsAt: text() }
    }),
    service('get-production-plan', 'Shows what a production line makes next.', {
      takes: { line: text() },
      gives: { product: text(), plannedQuantity: integer(), freeFrom: text('When the line is free') }
    })
  ],
  actions: [
    {
      action: 'Show me this machine.',
      data: { machineId: 'M-17' },
      expected: { services: ['get-machine'], references: { 'get-machine.machineId': ['data.machineId'] } }
    },
    {
      action: 'Read the temperature of machine M-4.',
      data: {},
      expected: {
        services: ['read-sensor'],
        references: { 'read-sensor.machineId': [{ constant: 'M-4' }], 'read-sensor.quantity': [{ constant: 'temperature' }] }
      }
    },
    {
      action: 'What will be made next on the line that this machine belongs to?',
      data: { machine: 'M-23' },
      expected: {
        services: ['get-machine', 'get-production-plan'],
        references: { 'get-machine.machineId': ['data.machine'], 'get-production-plan.line': ['get-machine.line'] }
      }
    },
    {
      action: 'Have maintenance do this on the machine, and give the work to a technician.',
      data: { machineId: 'M-31', task: 'Replace the drive belt' },
      expected: {
        services: ['create-work-order', 'assign-technician'],
        references: {
          'create-work-order.machineId': ['data.machineId'],
          'create-work-order.task': ['data.task'],
          'assign-technician.workOrderId': ['create-work-order.workOrderId']
        }
      }
    },
    {
      action: 'Order this spare part from whoever sells it.',
      data: { partNumber: 'B-6204', quantity: 4 },
      expected: {
        services: ['check-spare-part', 'order-spare-part'],
        references: {
          'check-spare-part.partNumber': ['data.partNumber'],
          'order-spare-part.partNumber': ['data.partNumber'],
          'order-spare-part.supplierId': ['check-spare-part.supplierId'],
          'order-spare-part.quantity': ['data.quantity']
        }
      }
    },
    {
      action: 'Predict from the vibration of this machine which part of it will fail.',
      data: { machineId: 'M-8' },
      expected: {
        services: ['get-machine', 'read-sensor', 'predict-failure'],
        references: {
          'get-machine.machineId': ['data.machineId'],
          'read-sensor.machineId': ['data.machineId'],
          'read-sensor.quantity': [{ constant: 'vibration' }],
          'predict-failure.machineModel': ['get-machine.model'],
          'predict-failure.vibration': ['read-sensor.value']
        }
      }
    },
    {
      action: 'Predict from its vibration which part of the machine will fail, and check whether that spare part is in stock.',
      data: { machineId: 'M-2' },
      expected: {
        services: ['get-machine', 'read-sensor', 'predict-failure', 'check-spare-part'],
        references: {
          'get-machine.machineId': ['data.machineId'],
          'read-sensor.machineId': ['data.machineId'],
          'read-sensor.quantity': [{ constant: 'vibration' }],
          'predict-failure.machineModel': ['get-machine.model'],
          'predict-failure.vibration': ['read-sensor.value'],
          'check-spare-part.partNumber': ['predict-failure.partNumber']
        }
      }
    },
    {
      action: 'Stop the machine for this reason, make a work order for the repair, and give it to a technician.',
      data: { machineId: 'M-5', reason: 'Coolant leaks', repair: 'Seal the coolant pump' },
      expected: {
        services: ['stop-machine', 'create-work-order', 'assign-technician'],
        references: {
          'stop-machine.machineId': ['data.machineId'],
          'stop-machine.reason': ['data.reason'],
          'create-work-order.machineId': ['data.machineId'],
          'create-work-order.task': ['data.repair'],
          'assign-technician.workOrderId': ['create-work-order.workOrderId']
        }
      }
    },
    {
      action: 'Find out from its vibration what will fail in the machine, have maintenance see to it, and give the work to a technician.',
      data: { machineId: 'M-40' },
      expected: {
        services: ['get-machine', 'read-sensor', 'predict-failure', 'create-work-order', 'assign-technician'],
        references: {
          'get-machine.machineId': ['data.machineId'],
          'read-sensor.machineId': ['data.machineId'],
          'read-sensor.quantity': [{ constant: 'vibration' }],
          'predict-failure.machineModel': ['get-machine.model'],
          'predict-failure.vibration': ['read-sensor.value'],
          'create-work-order.machineId': ['data.machineId'],
          'create-work-order.task': ['predict-failure.diagnosis', 'predict-failure.partNumber'],
          'assign-technician.workOrderId': ['create-work-order.workOrderId']
        }
      }
    },
    { action: 'Recommend a film for tonight.', data: { genre: 'comedy' }, expected: 'impossible' }
  ]
}
