import type { Verb } from '../../../core/domain/messages/run.ts';
import type { WorkFolder } from '../setup/layer.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';

/** What a command line asks for: to be done once the configuration is read, or (`alone`) without one. */
export type Request = { config: string; json: boolean } & (
  | {
      /** What is told when it can't even begin. */
      verb?: Verb | undefined;
      /** The further vault to work in. */
      vault?: string | undefined;
      /** It looks at the rest, too, where the vault can't be opened. */
      patient?: boolean;
      work(session: CommandSession, signal: AbortSignal): Promise<CommandOutcome>;
    }
  | { alone(place: WorkFolder, signal: AbortSignal): Promise<CommandOutcome> }
);
export type Work = Extract<Request, { work: unknown }>['work'];
export type Alone = Extract<Request, { alone: unknown }>['alone'];

/** How a command says what it was asked for. `asking`: in the vault that is named; `askingFirst`: in the first one alone. */
export type RequestTaker = {
  asking(work: Work, verb?: Verb, patient?: boolean): void;
  askingFirst(work: Work, verb?: Verb, patient?: boolean): void;
  askingAlone(alone: Alone): void;
};

/** An option that may be given several times. */
export function gathered(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
