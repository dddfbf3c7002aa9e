import type { Command } from 'commander';
import { BackupError } from '../../../core/domain/errors.ts';

/** What may follow: subcommands and options, by the words of the command before them (`restore`, `key check`). */
export type Followers = ReadonlyMap<string, readonly string[]>;

/** Everything that the command line of `program` understands, for shells to complete; `init` is the first key. */
export function followersOf(program: Command): Followers {
  const global = program.options.flatMap(({ long }) => long ?? []);
  const found = new Map<string, string[]>();
  function visit(command: Command, path: readonly string[]): void {
    const own = command.options.flatMap(({ long }) => long ?? []);
    const below = command.commands.map((one) => one.name());
    found.set(path.join(' '), [...below, ...own, ...(path.length === 0 ? [] : global), '--help']);
    for (const one of command.commands) visit(one, [...path, one.name()]);
  }
  visit(program, []);
  return found;
}

/** A script for a shell: `source <(nightjar completion bash)`. Throws `input-invalid` for an unknown shell. */
export function completionScript(shell: string, program: Command): string {
  const followers = followersOf(program);
  const script = scripts[shell];
  if (script !== undefined) return script(followers);
  throw new BackupError('input-invalid', `there is no completion for ${shell}`, {
    hint: Object.keys(scripts).join(', '),
  });
}

const scripts: Readonly<Record<string, (followers: Followers) => string>> = {
  bash: (followers) => `${words(followers)}\n${bash}complete -o default -F _nightjar nightjar\n`,
  // zsh can run the script of bash
  zsh: (followers) =>
    `autoload -U +X bashcompinit && bashcompinit\n${words(followers)}\n${bash}complete -o default -F _nightjar nightjar\n`,
  fish: (followers) => [...followers].map(([path, all]) => fish(path, all)).join(''),
};

/** \`_nightjar_words "key check"\` prints what may follow. */
function words(followers: Followers): string {
  const cases = [...followers].map(([path, all]) => `    '${path}') echo '${all.join(' ')}' ;;`);
  return ['_nightjar_words() {', '  case "$1" in', ...cases, '  esac', '}'].join('\n');
}

/** Follows the typed words as far as they are commands. */
const bash = `_nightjar() {
  local word path='' next i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    next="\${path:+$path }$word"
    [ -n "$(_nightjar_words "$next")" ] && path="$next"
  done
  COMPREPLY=($(compgen -W "$(_nightjar_words "$path")" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
`;

function fish(path: string, all: readonly string[]): string {
  const seen =
    path === ''
      ? '__fish_use_subcommand'
      : `__fish_seen_subcommand_from ${path.split(' ').join('; and __fish_seen_subcommand_from ')}`;
  return all
    .map((word) =>
      word.startsWith('--')
        ? `complete -c nightjar -n '${seen}' -l ${word.slice(2)}\n`
        : `complete -c nightjar -f -n '${seen}' -a ${word}\n`,
    )
    .join('');
}
