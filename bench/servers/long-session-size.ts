/** Number of events in a seeded turn of one message and one response. */
export const eventsOfTurn = 5
