#!/usr/bin/env bash
# What the step "Check migrations" of action.yml does: annotations, the job's summary, files, outputs.
#   bash ci/github.sh DIRECTORY    DIRECTORY has `venv`, where rlsaudit is, and takes the files.
# Inputs are in INPUT_…; the rest of the environment is the runner's.
set -euo pipefail

directory=$1
rlsaudit=$directory/venv/bin/rlsaudit
[[ -x $rlsaudit ]] || rlsaudit=$directory/venv/Scripts/rlsaudit.exe

# A message of several lines, as a workflow command takes it.
error() {
  local text=$2
  text=${text//'%'/%25}; text=${text//$'\r'/%0D}; text=${text//$'\n'/%0A}
  printf '::error title=%s::%s\n' "$1" "$text"
}

end() {
  echo "exit-code=$1" >>"$GITHUB_OUTPUT"
  exit "$1"
}

arguments=()
option() { [[ -z $2 ]] || arguments+=("$1=$2"); }

base=$INPUT_BASE
if [[ $base == none ]]; then
  base=
elif [[ -z $base && -n ${GITHUB_BASE_REF:-} ]]; then
  # Where the branches parted: what others have merged meanwhile is not this pull request's. In the merge commit that
  # actions/checkout takes by default, that is the base itself.
  place=$INPUT_PATH
  [[ -d $place ]] || place=$(dirname -- "$place")
  if ! base=$(git -C "$place" merge-base "refs/remotes/origin/$GITHUB_BASE_REF" HEAD 2>"$directory/git"); then
    said=$(head -n 1 "$directory/git")
    error "rlsaudit: the base is not here" "There is nothing to compare with: the base branch, $GITHUB_BASE_REF, or the \
commit where this one left it, is not in this checkout${said:+ ($said)}.
Give actions/checkout \`fetch-depth: 0\`, or this action a \`base\`."
    end 2
  fi
fi

case $INPUT_STRICT in
  true) arguments+=(--strict) ;;
  false | '') ;;
  *) error "rlsaudit: an input is wrong" "\`strict\` is true or false, not $INPUT_STRICT."; end 2 ;;
esac
option --base "$base"
option --intent "$INPUT_INTENT"
option --fail-on "$INPUT_FAIL_ON"
option --grants "$INPUT_GRANTS"
option --apply "$INPUT_APPLY"
option --platform "$INPUT_PLATFORM"
while IFS= read -r line; do
  line=${line%$'\r'}
  [[ -z $line ]] || arguments+=("$line")
done <<<"$INPUT_ARGS"

# Nothing of an earlier use of the action in the same job may stand for this one's.
reports=$(mktemp -d "$directory/report-XXXXXX")
code=0
"$rlsaudit" check ${arguments[@]+"${arguments[@]}"} \
  --format sarif --output "$reports/rlsaudit.sarif" \
  --format markdown --output "$reports/rlsaudit.md" \
  --format json --output "$reports/rlsaudit.json" \
  --format github-summary --output "$reports/summary.md" \
  --format github -- "$INPUT_PATH" 2>"$directory/stderr" || code=$?
cat "$directory/stderr" >&2

if [[ -s $reports/summary.md ]]; then
  cat "$reports/summary.md" >>"$GITHUB_STEP_SUMMARY"
  {
    echo "sarif-file=$reports/rlsaudit.sarif"
    echo "markdown-file=$reports/rlsaudit.md"
    echo "json-file=$reports/rlsaudit.json"
  } >>"$GITHUB_OUTPUT"
else
  error "rlsaudit could not audit" "$(cat "$directory/stderr")"
  # Without a report there was no audit, whatever the exit code would say of one.
  code=$((code == 0 ? 2 : code))
fi
end "$code"
