# bash completion of nsinit: source <(nsinit completion bash)
_nsinit_ctl() { command "${COMP_WORDS[0]}" ctl "${at[@]}" "$@" 2>/dev/null; }
_nsinit() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
    local offer="" i verb="" at=()
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "run ctl list inspect enter stop kill pause unpause top ns net image check convert schema openapi completion help -- --help --version" -- "$word"))
        return
    fi
    case "${COMP_WORDS[1]}" in
        completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")); return ;;
        schema) COMPREPLY=($(compgen -W "--docs --help" -- "$word")); return ;;
        run)
            [[ $word == -* ]] || { COMPREPLY=($(compgen -f -- "$word")); return; }
            COMPREPLY=($(compgen -W "--dry-run --detach --pid-file --info-fd --block-fd --console-socket --preserve-fds --capabilities --cap-add --cap-drop --ambient --inheritable --no-new-privs --no-no-new-privs --seccomp --landlock --name --hostname --domainname --namespaces --users --time-offsets --network --bundle --rootfs --overlay --image --readonly --no-readonly --mounts --propagation --masked-paths --readonly-paths --devices --sysctls --resources --resources-optional --no-resources-optional --cgroup-parent --sealed --no-sealed --cpu --cpu-weight --cpuset --memory --memory-high --swap --pids --io --device-access --bridge --subnet --address --gateway --dns --dns-search --hosts --nat --no-nat --publish -d --help" -- "$word")); return ;;
        check) COMPREPLY=($(compgen -f -- "$word")); return ;;
        convert)
            if [[ $before == --from ]]; then offer="supervisord procfile"
            elif [[ $word == -* ]]; then offer="-o -f --from --strict --output --force --formation --port --profile --env-file --sandbox --help"
            else COMPREPLY=($(compgen -f -- "$word")); return; fi
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        list) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"
            [[ $word == -* ]] && offer="--quiet -q --json --help"
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        inspect) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"
            [[ $word == -* ]] && offer="--help"
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        enter) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"
            [[ $word == -* ]] && offer="--service --user -u --terminal -t --no-terminal -T --direct --help"
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        stop) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"
            [[ $word == -* ]] && offer="--timeout -t --help"
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        kill) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"
            [[ $word == -* ]] && offer="--signal -s --help"
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        pause) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"
            [[ $word == -* ]] && offer="--timeout -t --help"
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        unpause) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"
            [[ $word == -* ]] && offer="--help"
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        ns)
            case "$COMP_CWORD ${COMP_WORDS[2]} $before" in
                "2 "*) offer="list compare supported pin unpin --help" ;;
                *" --kind"|*" -t"|"4 pin "*) offer="user ipc uts net pid mount cgroup time" ;;
                "5 pin "*|"3 unpin "*) COMPREPLY=($(compgen -f -- "$word")); return ;;
                *" list "*|*" compare "*|*" pin "*) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)" ;;
            esac
            [[ $word != -* || $COMP_CWORD == 2 ]] || case "${COMP_WORDS[2]}" in
                list) offer="--kind --json --help" ;;
                compare) offer="--json --help" ;;
                supported) offer="--json --help" ;;
                pin) offer="--help" ;;
                unpin) offer="--help" ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        net)
            case "$COMP_CWORD ${COMP_WORDS[2]} $before" in
                "2 "*) offer="add remove show --help" ;;
                *" --type") offer="bridge macvlan phys" ;;
                *" --"*) ;;
                "4 remove "*) offer="$(command "${COMP_WORDS[0]}" net show "${COMP_WORDS[3]}" 2>/dev/null | awk 'NR>1 {print $2}')" ;;
                "3 "*|*" show "*) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)" ;;
            esac
            [[ $word != -* || $COMP_CWORD == 2 ]] || case "${COMP_WORDS[2]}" in
                add) offer="--bridge --type --parent --name --address --gateway --mac --mtu --json --help" ;;
                remove) offer="--help" ;;
                show) offer="--json --help" ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        image)
            case "$COMP_CWORD ${COMP_WORDS[2]}" in
                "2 "*) offer="import list inspect remove --help" ;;
                *" import") [[ $word == -* ]] ||
                    { COMPREPLY=($(compgen -f -- "$word")); return; } ;;
                *" inspect"|*" remove") offer="$(command "${COMP_WORDS[0]}" image list -q 2>/dev/null)" ;;
            esac
            [[ $word != -* || $COMP_CWORD == 2 ]] || case "${COMP_WORDS[2]}" in
                import) offer="--name --only --max-size --max-files --json --help" ;;
                list) offer="--quiet --json --help" ;;
                inspect) offer="--help" ;;
                remove) offer="--json --help" ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        ctl) ;;
        *) return ;;
    esac
    for ((i = 2; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
            -s|--socket) at+=("${COMP_WORDS[i]}" "${COMP_WORDS[i+1]}"); ((i++)) ;;
            -*) ;;
            *) verb="${COMP_WORDS[i]}"; break ;;
        esac
    done
    if [[ -z $verb ]]; then
        [[ $before == --socket ]] && { COMPREPLY=($(compgen -f -- "$word")); return; }
        COMPREPLY=($(compgen -W "status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version -s --socket --help" -- "$word"))
        return
    fi
    case "$verb $before" in
        "list --state") COMPREPLY=($(compgen -W "stopped waiting starting running stopping backoff exited failed" -- "$word")); return ;;
        "wait --for") COMPREPLY=($(compgen -W "ready running stopped exited" -- "$word")); return ;;
        "metrics --format") COMPREPLY=($(compgen -W "openmetrics prometheus" -- "$word")); return ;;
        "signal signal") COMPREPLY=($(compgen -W "HUP INT QUIT TERM KILL USR1 USR2 STOP CONT" -- "$word")); return ;;
        "logs --stream") COMPREPLY=($(compgen -W "stdout stderr syslog journal" -- "$word")); return ;;
    esac
    if [[ $word == -* ]]; then
        case "$verb" in
            status) offer="--json --help" ;;
            list) offer="--state --json --help" ;;
            wait) offer="--for --timeout -t --json --help" ;;
            health) offer="--json --help" ;;
            why) offer="--lines -n --json --help" ;;
            blame) offer="--svg --json --help" ;;
            graph) offer="--svg --mermaid --dot --json --help" ;;
            tree) offer="--json --help" ;;
            top) offer="--interval -d --json --help" ;;
            metrics) offer="--format --json --help" ;;
            start) offer="--no-wait --timeout -t --json --help" ;;
            stop) offer="--no-wait --timeout -t --json --help" ;;
            restart) offer="--no-wait --timeout -t --json --help" ;;
            reload) offer="--no-wait --timeout -t --json --help" ;;
            reset) offer="--json --help" ;;
            pin) offer="--json --help" ;;
            unpin) offer="--json --help" ;;
            pause) offer="--timeout -t --json --help" ;;
            unpause) offer="--json --help" ;;
            exec) offer="--terminal -t --term --json --help" ;;
            enter) offer="--terminal -t --user -u --term --json --help" ;;
            attach) offer="--lines -n --no-stdin --detach-keys --json --help" ;;
            signal) offer="--json --help" ;;
            logs) offer="--follow -f --lines -n --since --until --since-seq --run --stream --timestamps -t --grep -g --invert-match -v --json --help" ;;
            events) offer="--follow -f --since-seq --json --help" ;;
            update) offer="--dry-run --json --help" ;;
            scale) offer="--json --help" ;;
            shutdown) offer="--exit-code --now --json --help" ;;
            reexec) offer="--timeout -t --json --help" ;;
            version) offer="--json --help" ;;
        esac
    else
        case "$verb" in
            status|list|wait|health|why|blame|graph|tree|top|metrics|start|stop|restart|reload|reset|pin|unpin|pause|unpause|exec|attach|signal|logs|events|scale) offer="$(_nsinit_ctl list)" ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$offer" -- "$word"))
}
complete -o bashdefault -F _nsinit nsinit
