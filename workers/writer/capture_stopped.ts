/**
 * A symbol's files and the log contradict each other: going on would lose or repeat ticks. Only this
 * symbol stops; a person must look.
 */
export class CaptureStopped extends Error {
  override readonly name = "CaptureStopped";
}
