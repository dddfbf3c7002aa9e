/**
 * How long a connection may take to be made. A database that nobody uses may sleep and has to wake first: Aurora
 * Serverless v2 in about 15 seconds, and in 30 or more when it has slept for a day (Amazon Aurora User Guide, scaling to
 * zero).
 */
export const connectLimitMs = 60_000;
