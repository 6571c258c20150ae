import { exchange } from "../../../../lib/time/calendar/exchange.ts";

/** For a test: answers from a worker that may read nothing. */
const nyse = exchange("XNYS");
self.postMessage(nyse?.isOpen(Date.parse("2025-07-03T18:00:00Z")));
