# bash completion of nsinit: source <(nsinit completion bash)
_nsinit_ctl() { command "${COMP_WORDS[0]}" ctl "${at[@]}" "$@" 2>/dev/null; }
_nsinit() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
    local offer="" i verb="" at=()
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "run ctl list inspect enter stop kill pause unpause top ns net image check compile init convert schema openapi completion help -- --help --version" -- "$word"))
        return
    fi
    case "${COMP_WORDS[1]}" in
        run)
            [[ $word == -* ]] || { COMPREPLY=($(compgen -f -- "$word")); return; }
            COMPREPLY=($(compgen -W "--dry-run --detach --quiet --pid-file --info-fd --block-fd --console-socket --preserve-fds --capabilities --cap-add --cap-drop --ambient --inheritable --no-new-privs --no-no-new-privs --seccomp --landlock --name --hostname --domainname --namespaces --users --time-offsets --network --bundle --rootfs --overlay --image --readonly --no-readonly --mounts --propagation --masked-paths --readonly-paths --devices --sysctls --resources --resources-optional --no-resources-optional --cgroup-parent --sealed --no-sealed --cpu --cpu-weight --cpuset --memory --memory-high --swap --pids --io --device-access --bridge --subnet --address --gateway --dns --dns-search --hosts --nat --no-nat --publish -d --help" -- "$word")); return ;;
        list)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--quiet -q --json --format --color --help"
                    else offer=""; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        inspect)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        enter)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--service --user -u --terminal -t --no-terminal -T --direct --help"
                    else offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        stop)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--timeout -t --quiet -q --help"
                    else offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        kill)
            case "$before" in
                --signal|-s) offer="HUP INT QUIT TERM KILL USR1 USR2 STOP CONT" ;;
                *) if [[ $word == -* ]]; then offer="--signal -s --help"
                    else offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        pause)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--timeout -t --help"
                    else offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        unpause)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--help"
                    else offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)"; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        top)
            case "$before" in
                --name|-s) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)" ;;
                --socket) COMPREPLY=($(compgen -f -- "$word")); return ;;
                *) if [[ $word == -* ]]; then offer="--name -s --socket --delay -d --help"
                    else offer=""; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        check)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else COMPREPLY=($(compgen -f -- "$word")); return; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        compile)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--help"
                    else offer=""; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        init)
            case "$before" in
                --template) offer="services container sandbox" ;;
                *) if [[ $word == -* ]]; then offer="--template --help"
                    else COMPREPLY=($(compgen -f -- "$word")); return; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        convert)
            case "$before" in
                --from) offer="supervisord compose procfile s6 systemd" ;;
                --output|-o) COMPREPLY=($(compgen -f -- "$word")); return ;;
                --env-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
                --root) COMPREPLY=($(compgen -f -- "$word")); return ;;
                *) if [[ $word == -* ]]; then offer="--from --strict --output -o --force -f --formation --port --profile --env-file --sandbox --root --instance --help"
                    else COMPREPLY=($(compgen -f -- "$word")); return; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        schema)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--docs --help"
                    else offer=""; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        openapi)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--help"
                    else offer=""; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        completion)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--help"
                    else offer="bash zsh fish"; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        help)
            case "$before" in
                *) if [[ $word == -* ]]; then offer="--help"
                    else offer="run ctl list inspect enter stop kill pause unpause top ns net image check compile init convert schema openapi completion help single status wait health why history record blame graph tree metrics start restart reload reset pin unpin exec attach signal logs events update scale shutdown reexec version nsinit.1 nsinit-ctl.1 nsinit.toml.5 nsinit-sandbox.7 include services sandbox init.pre_start init.post_stop init.shutdown_timeout init.control init.listen init.log init.forward_signals init.environment init.keep_running init.syslog init.journal init.loop init.recorder init.control.path init.control.mode init.control.read init.control.operate init.control.admin init.log.level init.log.format init.log.color services.NAME.capabilities services.NAME.cap_add services.NAME.cap_drop services.NAME.ambient services.NAME.inheritable services.NAME.no_new_privs services.NAME.seccomp services.NAME.landlock services.NAME.command services.NAME.shell services.NAME.type services.NAME.description services.NAME.autostart services.NAME.working_dir services.NAME.user services.NAME.group services.NAME.groups services.NAME.umask services.NAME.environment services.NAME.inherit_env services.NAME.limits services.NAME.env_file services.NAME.nice services.NAME.ioprio services.NAME.scheduler services.NAME.cpu_affinity services.NAME.oom_score_adj services.NAME.tty services.NAME.depends_on services.NAME.wants services.NAME.after services.NAME.before services.NAME.main services.NAME.essential services.NAME.tags services.NAME.replicas services.NAME.schedule services.NAME.watch services.NAME.ready services.NAME.health services.NAME.watchdog services.NAME.pid_file services.NAME.start_timeout services.NAME.min_uptime services.NAME.restart services.NAME.restart_delay services.NAME.restart_max_delay services.NAME.restart_limit services.NAME.restart_reset services.NAME.success_exit_codes services.NAME.restart_prevent_codes services.NAME.on_failure services.NAME.pre_start services.NAME.post_start services.NAME.pre_stop services.NAME.stop_command services.NAME.post_stop services.NAME.on_fail services.NAME.reload_command services.NAME.reload_signal services.NAME.stop_signal services.NAME.stop_timeout services.NAME.kill_mode services.NAME.log services.NAME.sockets services.NAME.fd_store_max services.NAME.pass_fds services.NAME.namespaces services.NAME.rootfs services.NAME.mounts services.NAME.resources services.NAME.resources_optional sandbox.capabilities sandbox.cap_add sandbox.cap_drop sandbox.ambient sandbox.inheritable sandbox.no_new_privs sandbox.seccomp sandbox.landlock sandbox.name sandbox.hostname sandbox.domainname sandbox.namespaces sandbox.users sandbox.time_offsets sandbox.network sandbox.bundle sandbox.rootfs sandbox.overlay sandbox.image sandbox.readonly sandbox.mounts sandbox.propagation sandbox.masked_paths sandbox.readonly_paths sandbox.devices sandbox.sysctls sandbox.resources sandbox.resources_optional sandbox.cgroup_parent sandbox.sealed init.pre_start.command init.pre_start.shell init.pre_start.user init.pre_start.timeout init.post_stop.command init.post_stop.shell init.post_stop.user init.post_stop.timeout services.NAME.pre_start.command services.NAME.pre_start.shell services.NAME.pre_start.user services.NAME.pre_start.timeout services.NAME.post_start.command services.NAME.post_start.shell services.NAME.post_start.user services.NAME.post_start.timeout services.NAME.pre_stop.command services.NAME.pre_stop.shell services.NAME.pre_stop.user services.NAME.pre_stop.timeout services.NAME.stop_command.command services.NAME.stop_command.shell services.NAME.stop_command.user services.NAME.stop_command.timeout services.NAME.post_stop.command services.NAME.post_stop.shell services.NAME.post_stop.user services.NAME.post_stop.timeout services.NAME.on_fail.command services.NAME.on_fail.shell services.NAME.on_fail.user services.NAME.on_fail.timeout services.NAME.reload_command.command services.NAME.reload_command.shell services.NAME.reload_command.user services.NAME.reload_command.timeout init.listen.address init.listen.status_page init.listen.token_file init.listen.actions init.listen.hosts services.NAME.log.to services.NAME.log.format services.NAME.log.file services.NAME.log.max_size services.NAME.log.keep services.NAME.log.total services.NAME.log.compress services.NAME.log.mode services.NAME.log.owner services.NAME.log.rotate services.NAME.log.file_format services.NAME.log.syslog services.NAME.log.stderr services.NAME.log.rate_limit services.NAME.log.include services.NAME.log.exclude services.NAME.log.multiline services.NAME.log.ring services.NAME.log.line_limit services.NAME.seccomp.profile services.NAME.seccomp.default services.NAME.seccomp.allow services.NAME.seccomp.deny services.NAME.seccomp.action sandbox.seccomp.profile sandbox.seccomp.default sandbox.seccomp.allow sandbox.seccomp.deny sandbox.seccomp.action services.NAME.landlock.read services.NAME.landlock.write services.NAME.landlock.execute services.NAME.landlock.connect services.NAME.landlock.bind services.NAME.landlock.scope services.NAME.landlock.strict sandbox.landlock.read sandbox.landlock.write sandbox.landlock.execute sandbox.landlock.connect sandbox.landlock.bind sandbox.landlock.scope sandbox.landlock.strict services.NAME.schedule.cron services.NAME.schedule.every services.NAME.schedule.timezone services.NAME.schedule.jitter services.NAME.schedule.overlap services.NAME.schedule.missed services.NAME.watch.paths services.NAME.watch.exclude services.NAME.watch.debounce services.NAME.watch.cascade services.NAME.watch.action services.NAME.ready.notify services.NAME.ready.fd services.NAME.ready.log services.NAME.ready.exec services.NAME.ready.http services.NAME.ready.tcp services.NAME.ready.unix services.NAME.ready.file services.NAME.ready.interval services.NAME.ready.timeout services.NAME.health.exec services.NAME.health.http services.NAME.health.tcp services.NAME.health.unix services.NAME.health.interval services.NAME.health.timeout services.NAME.health.retries services.NAME.health.start_period services.NAME.health.action services.NAME.sockets.listen services.NAME.sockets.name services.NAME.sockets.mode services.NAME.sockets.user services.NAME.sockets.group services.NAME.sockets.backlog services.NAME.sockets.reuse_port services.NAME.sockets.ipv6_only services.NAME.sockets.lazy services.NAME.sockets.accept services.NAME.sockets.max_connections services.NAME.mounts.target services.NAME.mounts.type services.NAME.mounts.source services.NAME.mounts.options services.NAME.mounts.content services.NAME.mounts.mode services.NAME.mounts.idmap services.NAME.mounts.optional sandbox.mounts.target sandbox.mounts.type sandbox.mounts.source sandbox.mounts.options sandbox.mounts.content sandbox.mounts.mode sandbox.mounts.idmap sandbox.mounts.optional services.NAME.resources.cpu services.NAME.resources.cpu_weight services.NAME.resources.cpuset services.NAME.resources.memory services.NAME.resources.memory_high services.NAME.resources.swap services.NAME.resources.pids services.NAME.resources.io services.NAME.resources.device_access sandbox.resources.cpu sandbox.resources.cpu_weight sandbox.resources.cpuset sandbox.resources.memory sandbox.resources.memory_high sandbox.resources.swap sandbox.resources.pids sandbox.resources.io sandbox.resources.device_access sandbox.users.map sandbox.users.uid_map sandbox.users.gid_map sandbox.users.setgroups sandbox.users.subordinate sandbox.users.nested sandbox.time_offsets.monotonic sandbox.time_offsets.boottime sandbox.network.mode sandbox.network.join sandbox.network.bridge sandbox.network.subnet sandbox.network.parent sandbox.network.address sandbox.network.gateway sandbox.network.mac sandbox.network.mtu sandbox.network.interfaces sandbox.network.dns sandbox.network.dns_search sandbox.network.hosts sandbox.network.nat sandbox.network.publish sandbox.overlay.lower sandbox.overlay.upper sandbox.overlay.work sandbox.overlay.ephemeral services.NAME.log.syslog.address services.NAME.log.syslog.format services.NAME.log.syslog.facility services.NAME.log.syslog.severity services.NAME.log.syslog.app_name services.NAME.log.stderr.syslog.address services.NAME.log.stderr.syslog.format services.NAME.log.stderr.syslog.facility services.NAME.log.stderr.syslog.severity services.NAME.log.stderr.syslog.app_name services.NAME.log.stderr.to services.NAME.log.stderr.format services.NAME.log.stderr.file services.NAME.log.stderr.max_size services.NAME.log.stderr.keep services.NAME.log.stderr.total services.NAME.log.stderr.compress services.NAME.log.stderr.mode services.NAME.log.stderr.owner services.NAME.log.stderr.rotate services.NAME.log.stderr.file_format services.NAME.log.stderr.syslog services.NAME.log.rate_limit.lines services.NAME.log.rate_limit.bytes services.NAME.log.rate_limit.burst services.NAME.log.multiline.first services.NAME.log.multiline.timeout services.NAME.log.multiline.max_size services.NAME.ready.http.url services.NAME.ready.http.method services.NAME.ready.http.status services.NAME.ready.http.headers services.NAME.health.http.url services.NAME.health.http.method services.NAME.health.http.status services.NAME.health.http.headers services.NAME.resources.io.weight services.NAME.resources.io.limits sandbox.resources.io.weight sandbox.resources.io.limits sandbox.network.interfaces.name sandbox.network.interfaces.type sandbox.network.interfaces.bridge sandbox.network.interfaces.parent sandbox.network.interfaces.address sandbox.network.interfaces.gateway sandbox.network.interfaces.mac sandbox.network.interfaces.mtu services.NAME.resources.io.limits.device services.NAME.resources.io.limits.read services.NAME.resources.io.limits.write services.NAME.resources.io.limits.read_ops services.NAME.resources.io.limits.write_ops sandbox.resources.io.limits.device sandbox.resources.io.limits.read sandbox.resources.io.limits.write sandbox.resources.io.limits.read_ops sandbox.resources.io.limits.write_ops"; fi ;;
            esac
            COMPREPLY=($(compgen -W "$offer" -- "$word")); return ;;
        ns)
            case "$COMP_CWORD ${COMP_WORDS[2]} $before" in
                "2 "*) offer="list compare supported pin unpin --help" ;;
                *" --kind"|*" -t"|"4 pin "*) offer="user ipc uts net pid mount cgroup time" ;;
                "5 pin "*|"3 unpin "*) COMPREPLY=($(compgen -f -- "$word")); return ;;
                *" list "*|*" compare "*|*" pin "*) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)" ;;
            esac
            [[ $word != -* || $COMP_CWORD == 2 ]] || case "${COMP_WORDS[2]}" in
                list) offer="--kind --json --format --color --help" ;;
                compare) offer="--json --format --color --help" ;;
                supported) offer="--json --format --color --help" ;;
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
                add) offer="--bridge --type --parent --name --address --gateway --mac --mtu --json --format --color --help" ;;
                remove) offer="--help" ;;
                show) offer="--json --format --color --help" ;;
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
                import) offer="--name --only --max-size --max-files --json --format --color --help" ;;
                list) offer="--quiet --json --format --color --help" ;;
                inspect) offer="--help" ;;
                remove) offer="--json --format --color --help" ;;
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
        case "$before" in
            --socket) COMPREPLY=($(compgen -f -- "$word")); return ;;
            -s) offer="$(command "${COMP_WORDS[0]}" list -q 2>/dev/null)" ;;
            *) offer="status list wait health why history record blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version -s --socket --help" ;;
        esac
        COMPREPLY=($(compgen -W "$offer" -- "$word"))
        return
    fi
    case "$verb" in
        status)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        list)
            case "$before" in
                --state) offer="stopped waiting starting running stopping backoff exited failed" ;;
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--state --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        wait)
            case "$before" in
                --for) offer="ready running stopped exited" ;;
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--for --timeout -t --quiet -q --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        health)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        why)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--lines -n --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        history)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--limit -n --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        record)
            case "$before" in
                --out|-o) COMPREPLY=($(compgen -f -- "$word")); return ;;
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--out -o --json --format --color --help"
                    else offer=""; fi ;;
            esac ;;
        blame)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--svg --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        graph)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--svg --mermaid --dot --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        tree)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        top)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--interval -d --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        metrics)
            case "$before" in
                --format) offer="openmetrics prometheus" ;;
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--format --json --color --help"
                    else offer="nsinit_service_state nsinit_service_up nsinit_service_wanted nsinit_service_healthy nsinit_service_paused nsinit_service_starts nsinit_service_restarts nsinit_service_ends nsinit_service_oom_kills nsinit_service_probe_failures nsinit_service_last_exit_code nsinit_service_start_time_seconds nsinit_service_backoff_seconds nsinit_service_boot_seconds nsinit_service_cpu_seconds nsinit_service_memory_bytes nsinit_service_group_memory_bytes nsinit_service_group_memory_limit_bytes nsinit_service_processes nsinit_service_open_fds nsinit_log_bytes nsinit_log_dropped nsinit_ready nsinit_services nsinit_boot_seconds nsinit_orphans_reaped nsinit_events nsinit_clients nsinit_clients_dropped nsinit_build process_start_time_seconds process_cpu_seconds process_resident_memory_bytes process_open_fds process_max_fds"; fi ;;
            esac ;;
        start)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--no-wait --timeout -t --quiet -q --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        stop)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--no-wait --timeout -t --quiet -q --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        restart)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--no-wait --timeout -t --quiet -q --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        reload)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--no-wait --timeout -t --quiet -q --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        reset)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        pin)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        unpin)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        pause)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--timeout -t --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        unpause)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        exec)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--terminal -t --term --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        enter)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--terminal -t --user -u --term --json --format --color --help"
                    else offer=""; fi ;;
            esac ;;
        attach)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--lines -n --no-stdin --detach-keys --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        signal)
            case "$before" in
                --color) offer="auto always never" ;;
                signal) offer="HUP INT QUIT TERM KILL USR1 USR2 STOP CONT" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        logs)
            case "$before" in
                --run) offer="current previous" ;;
                --stream) offer="stdout stderr syslog journal" ;;
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--follow -f --lines -n --since --until --since-seq --run --stream --timestamps -t --grep -g --invert-match -v --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        events)
            case "$before" in
                --type) offer="boot phase state started start-failed ready health probe hook reload pause exited request trigger watch update scale reexec orphans drop remark internal lost" ;;
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--follow -f --since-seq --type --json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        update)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--dry-run --json --format --color --help"
                    else offer=""; fi ;;
            esac ;;
        scale)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer="$(_nsinit_ctl list)"; fi ;;
            esac ;;
        shutdown)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--exit-code --now --quiet -q --json --format --color --help"
                    else offer=""; fi ;;
            esac ;;
        reexec)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--timeout -t --json --format --color --help"
                    else offer=""; fi ;;
            esac ;;
        version)
            case "$before" in
                --color) offer="auto always never" ;;
                *) if [[ $word == -* ]]; then offer="--json --format --color --help"
                    else offer=""; fi ;;
            esac ;;
    esac
    COMPREPLY=($(compgen -W "$offer" -- "$word"))
}
complete -o bashdefault -F _nsinit nsinit
