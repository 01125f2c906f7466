import { type Catalogue, flag, integer, number, service, text } from './catalogue.ts'

export const shop: Catalogue = {
  name: 'shop',
  services: [
    service('find-customer', 'Finds a customer by e-mail address.', {
      takes: { email: text("The customer's e-mail address") },
      gives: { customerId: text(), name: text(), email: text(), address: text('Postal address'), tier: text() }
    }),
    service('search-products', 'Finds the product that matches a description best.', {
      takes: { description: text('What the product is like, in words') },
      mayTake: { maxPrice: number('Highest price in euros') },
      gives: { productId: text(), title: text(), price: number('In euros') }
    }),
    service('check-stock', 'Says how many pieces of a product are there and in which warehouse.', {
      takes: { productId: text() },
      gives: { available: integer('Pieces that can be sold'), warehouseAddress: text() }
    }),
    service('reserve-stock', 'Holds pieces of a product back for half an hour.', {
      takes: { productId: text(), quantity: integer('How many pieces', { minimum: 1 }) },
      gives: { reservationId: text(), reservedUntil: text() },
      revertible: true
    }),
    service('create-order', 'Makes an order of a customer out of a reservation.', {
      takes: { customerId: text(), reservationId: text() },
      gives: { orderId: text(), total: number('In euros') },
      revertible: true
    }),
    service('charge-card', "Charges an order's amount to the customer's card.", {
      takes: { orderId: text(), amount: number('In euros') },
      gives: { paymentId: text(), paid: flag() },
      revertible: true
    }),
    service('get-order', 'Shows an order: its state, its total and whose it is.', {
      takes: { orderId: text() },
      gives: { status: text(), total: number('In euros'), customerEmail: text() }
    }),
    service('refund-order', 'Pays money for an order back.', {
      takes: { orderId: text(), amount: number('In euros') },
      gives: { refundId: text() }
    }),
    service('estimate-delivery', 'Estimates how many days a parcel takes from one address to another.', {
      takes: { fromAddress: text(), toAddress: text() },
      gives: { days: integer(), carrier: text() }
    }),
    service('send-email', 'Sends an e-mail.', {
      takes: { to: text('E-mail address'), message: text('What it says') },
      mayTake: { subject: text() },
      gives: { messageId: text() }
    })
  ],
  actions: [
    {
      action: 'Find a product that matches my description.',
      data: { description: 'waterproof hiking boots, size 43' },
      expected: { services: ['search-products'], references: { 'search-products.description': ['data.description'] } }
    },
    {
      action: 'I am looking for something. Is it in stock, and how many are there?',
      data: { whatIWant: 'a red umbrella' },
      expected: {
        services: ['search-products', 'check-stock'],
        references: { 'search-products.description': ['data.whatIWant'], 'check-stock.productId': ['search-products.productId'] }
      }
    },
    {
      action: 'Reserve 3 pieces of the product P-1009.',
      data: {},
      expected: {
        services: ['reserve-stock'],
        references: { 'reserve-stock.productId': [{ constant: 'P-1009' }], 'reserve-stock.quantity': [{ constant: 3 }] }
      }
    },
    {
      action: 'Refund this order in full.',
      data: { orderId: 'O-55871' },
      expected: {
        services: ['get-order', 'refund-order'],
        references: {
          'get-order.orderId': ['data.orderId'],
          'refund-order.orderId': ['data.orderId'],
          'refund-order.amount': ['get-order.total']
        }
      }
    },
    {
      action: 'Tell the customer who placed this order by e-mail what its status is.',
      data: { orderId: 'O-20114' },
      expected: {
        services: ['get-order', 'send-email'],
        references: {
          'get-order.orderId': ['data.orderId'],
          'send-email.to': ['get-order.customerEmail'],
          'send-email.message': ['get-order.status']
        }
      }
    },
    {
      action: 'How long will it take to deliver the product that fits this description to the customer?',
      data: { productDescription: 'oak desk, 160 cm', customerEmail: 'ada@example.com' },
      expected: {
        services: ['search-products', 'check-stock', 'find-customer', 'estimate-delivery'],
        references: {
          'search-products.description': ['data.productDescription'],
          'check-stock.productId': ['search-products.productId'],
          'find-customer.email': ['data.customerEmail'],
          'estimate-delivery.fromAddress': ['check-stock.warehouseAddress'],
          'estimate-delivery.toAddress': ['find-customer.address']
        }
      }
    },
    {
      action: 'Order this product for the customer: reserve it, make the order and charge the card.',
      data: { productId: 'P-4410', quantity: 2, email: 'grace@example.com' },
      expected: {
        services: ['find-customer', 'reserve-stock', 'create-order', 'charge-card'],
        optional: ['check-stock'],
        references: {
          'find-customer.email': ['data.email'],
          'reserve-stock.productId': ['data.productId'],
          'reserve-stock.quantity': ['data.quantity'],
          'create-order.customerId': ['find-customer.customerId'],
          'create-order.reservationId': ['reserve-stock.reservationId'],
          'charge-card.orderId': ['create-order.orderId'],
          'charge-card.amount': ['create-order.total']
        }
      }
    },
    {
      action: 'Show me the order and what we know of the customer.',
      data: { orderId: 'O-31337', customerEmail: 'linus@example.com' },
      expected: {
        services: ['get-order', 'find-customer'],
        references: { 'get-order.orderId': ['data.orderId'], 'find-customer.email': ['data.customerEmail', 'get-order.customerEmail'] }
      }
    },
    { action: 'Mow the lawn behind my house.', data: { address: '12 Mill Lane' }, expected: 'impossible' }
  ]
}
