import type { Verb } from '../../../core/domain/messages/run.ts';
import type { WorkFolder } from '../setup/layer.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';

/** What a command line asks for: to be done once the configuration is read, or (`alone`) without one. */
export type Request = { config: string; json: boolean } & (
  | {
      /** What is reported if it can't even begin. */
      verb?: Verb | undefined;
      /** The further vault to work in. */
      vault?: string | undefined;
      /** Also works if the vault can't be opened, on everything else. */
      patient?: boolean;
      work(session: CommandSession, signal: AbortSignal): Promise<CommandOutcome>;
    }
  | { alone(place: WorkFolder, signal: AbortSignal): Promise<CommandOutcome> }
);
export type Work = Extract<Request, { work: unknown }>['work'];
export type Alone = Extract<Request, { alone: unknown }>['alone'];

/** How a command registers its work. `asking`: in the named vault; `askingFirst`: in the first one only. */
export type RequestTaker = {
  asking(work: Work, verb?: Verb, patient?: boolean): void;
  askingFirst(work: Work, verb?: Verb, patient?: boolean): void;
  askingAlone(alone: Alone): void;
};

/** An option that may be given several times. */
export function gathered(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
