# fish completion of nsinit
function __nsinit_word
    set -l typed (commandline -opc)
    test (count $typed) -gt 1; and contains -- $typed[2] $argv
end
function __nsinit_verb
    set -l typed (commandline -opc)[3..-1]
    while contains -- "$typed[1]" -s --socket
        set typed $typed[3..-1]
    end
    test "$typed[1]" = "$argv[1]"
end
function __nsinit_services
    set -l typed (commandline -opc)[3..-1]
    set -l at
    while contains -- "$typed[1]" -s --socket
        set -a at $typed[1..2]
        set typed $typed[3..-1]
    end
    nsinit ctl $at list 2>/dev/null
end
complete -c nsinit -f
complete -c nsinit -n 'test (count (commandline -opc)) -eq 1' -a 'run ctl list inspect enter stop kill pause unpause top ns net image check compile init convert schema openapi completion help'
complete -c nsinit -n '__nsinit_word run' -F
complete -c nsinit -n '__nsinit_word run' -l dry-run
complete -c nsinit -n '__nsinit_word run' -l detach
complete -c nsinit -n '__nsinit_word run' -l quiet
complete -c nsinit -n '__nsinit_word run' -l pid-file
complete -c nsinit -n '__nsinit_word run' -l info-fd
complete -c nsinit -n '__nsinit_word run' -l block-fd
complete -c nsinit -n '__nsinit_word run' -l console-socket
complete -c nsinit -n '__nsinit_word run' -l preserve-fds
complete -c nsinit -n '__nsinit_word run' -l capabilities
complete -c nsinit -n '__nsinit_word run' -l cap-add
complete -c nsinit -n '__nsinit_word run' -l cap-drop
complete -c nsinit -n '__nsinit_word run' -l ambient
complete -c nsinit -n '__nsinit_word run' -l inheritable
complete -c nsinit -n '__nsinit_word run' -l no-new-privs
complete -c nsinit -n '__nsinit_word run' -l no-no-new-privs
complete -c nsinit -n '__nsinit_word run' -l seccomp
complete -c nsinit -n '__nsinit_word run' -l landlock
complete -c nsinit -n '__nsinit_word run' -l name
complete -c nsinit -n '__nsinit_word run' -l hostname
complete -c nsinit -n '__nsinit_word run' -l domainname
complete -c nsinit -n '__nsinit_word run' -l namespaces
complete -c nsinit -n '__nsinit_word run' -l users
complete -c nsinit -n '__nsinit_word run' -l time-offsets
complete -c nsinit -n '__nsinit_word run' -l network
complete -c nsinit -n '__nsinit_word run' -l bundle
complete -c nsinit -n '__nsinit_word run' -l rootfs
complete -c nsinit -n '__nsinit_word run' -l overlay
complete -c nsinit -n '__nsinit_word run' -l image
complete -c nsinit -n '__nsinit_word run' -l readonly
complete -c nsinit -n '__nsinit_word run' -l no-readonly
complete -c nsinit -n '__nsinit_word run' -l mounts
complete -c nsinit -n '__nsinit_word run' -l propagation
complete -c nsinit -n '__nsinit_word run' -l masked-paths
complete -c nsinit -n '__nsinit_word run' -l readonly-paths
complete -c nsinit -n '__nsinit_word run' -l devices
complete -c nsinit -n '__nsinit_word run' -l sysctls
complete -c nsinit -n '__nsinit_word run' -l resources
complete -c nsinit -n '__nsinit_word run' -l resources-optional
complete -c nsinit -n '__nsinit_word run' -l no-resources-optional
complete -c nsinit -n '__nsinit_word run' -l cgroup-parent
complete -c nsinit -n '__nsinit_word run' -l sealed
complete -c nsinit -n '__nsinit_word run' -l no-sealed
complete -c nsinit -n '__nsinit_word run' -l cpu
complete -c nsinit -n '__nsinit_word run' -l cpu-weight
complete -c nsinit -n '__nsinit_word run' -l cpuset
complete -c nsinit -n '__nsinit_word run' -l memory
complete -c nsinit -n '__nsinit_word run' -l memory-high
complete -c nsinit -n '__nsinit_word run' -l swap
complete -c nsinit -n '__nsinit_word run' -l pids
complete -c nsinit -n '__nsinit_word run' -l io
complete -c nsinit -n '__nsinit_word run' -l device-access
complete -c nsinit -n '__nsinit_word run' -l bridge
complete -c nsinit -n '__nsinit_word run' -l subnet
complete -c nsinit -n '__nsinit_word run' -l address
complete -c nsinit -n '__nsinit_word run' -l gateway
complete -c nsinit -n '__nsinit_word run' -l dns
complete -c nsinit -n '__nsinit_word run' -l dns-search
complete -c nsinit -n '__nsinit_word run' -l hosts
complete -c nsinit -n '__nsinit_word run' -l nat
complete -c nsinit -n '__nsinit_word run' -l no-nat
complete -c nsinit -n '__nsinit_word run' -l publish
complete -c nsinit -n '__nsinit_word run' -l help
complete -c nsinit -n '__nsinit_word list' -l quiet -s q -d 'only their names'
complete -c nsinit -n '__nsinit_word list' -l json -d 'JSON instead of a table'
complete -c nsinit -n '__nsinit_word list' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word list' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word list' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word inspect' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word inspect' -l json -d 'JSON on one line'
complete -c nsinit -n '__nsinit_word inspect' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word inspect' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word inspect' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word enter' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word enter' -l service -x -d 'in the place of this service: its user, directory, ...'
complete -c nsinit -n '__nsinit_word enter' -l user -s u -x -d 'as whom: NAME, UID or USER:GROUP'
complete -c nsinit -n '__nsinit_word enter' -l terminal -s t -d 'in a terminal of its own, though this is none'
complete -c nsinit -n '__nsinit_word enter' -l no-terminal -s T -d 'not in a terminal of its own'
complete -c nsinit -n '__nsinit_word enter' -l direct -d 'without asking its init, as when that does not answer'
complete -c nsinit -n '__nsinit_word enter' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word stop' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word stop' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__nsinit_word stop' -l quiet -s q -d 'do not tell on the terminal how far it is'
complete -c nsinit -n '__nsinit_word stop' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word kill' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word kill' -l signal -s s -x -a 'HUP INT QUIT TERM KILL USR1 USR2 STOP CONT' -d 'KILL if not said: TERM, USR2, 15'
complete -c nsinit -n '__nsinit_word kill' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word pause' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word pause' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__nsinit_word pause' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word unpause' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word unpause' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word top' -l name -s s -x -a '(nsinit list -q 2>/dev/null)' -d 'the sandbox of that name; without it the only init'
complete -c nsinit -n '__nsinit_word top' -l socket -r -F -d 'the control socket at that path'
complete -c nsinit -n '__nsinit_word top' -l delay -s d -x -d 'measure what is used for so long each time (s), from 0.2 to 60'
complete -c nsinit -n '__nsinit_word top' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word check' -F
complete -c nsinit -n '__nsinit_word check' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word check' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word check' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word check' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word compile' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word init' -F
complete -c nsinit -n '__nsinit_word init' -l template -x -a 'services container sandbox' -d 'services (the default), container with a Dockerfile, or sandbox'
complete -c nsinit -n '__nsinit_word init' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word convert' -F
complete -c nsinit -n '__nsinit_word convert' -l from -x -a 'supervisord compose procfile s6 systemd' -d 'what they are, if it can\'t be seen: supervisord, compose, procfile, s6, systemd'
complete -c nsinit -n '__nsinit_word convert' -l strict -d 'write nothing if anything has no equal, and tell what'
complete -c nsinit -n '__nsinit_word convert' -l output -s o -r -F -d 'the file to write, instead of stdout'
complete -c nsinit -n '__nsinit_word convert' -l force -s f -d 'overwrite that file'
complete -c nsinit -n '__nsinit_word convert' -l formation -x -d 'of a Procfile: how many of each, such as web=2,worker=4'
complete -c nsinit -n '__nsinit_word convert' -l port -x -d 'of a Procfile: the port of the first process (5000)'
complete -c nsinit -n '__nsinit_word convert' -l profile -x -d 'of compose: the profiles that are started, as in a,b'
complete -c nsinit -n '__nsinit_word convert' -l env-file -r -F -d 'of a Procfile or compose: instead of the .env beside it'
complete -c nsinit -n '__nsinit_word convert' -l sandbox -d 'of compose: with a [sandbox] that publishes the ports'
complete -c nsinit -n '__nsinit_word convert' -l root -r -F -d 'of systemd and s6: the root of the system that it is for (/)'
complete -c nsinit -n '__nsinit_word convert' -l instance -x -d 'of systemd: the instance of a template NAME@.service'
complete -c nsinit -n '__nsinit_word convert' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word schema' -l docs -d 'the key reference instead, as Markdown'
complete -c nsinit -n '__nsinit_word schema' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word openapi' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word completion' -a 'bash zsh fish'
complete -c nsinit -n '__nsinit_word completion' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word help' -a 'run ctl list inspect enter stop kill pause unpause top ns net image check compile init convert schema openapi completion help single status wait health why history record blame graph tree metrics start restart reload reset pin unpin exec attach signal logs events update scale shutdown reexec version nsinit.1 nsinit-ctl.1 nsinit.toml.5 nsinit-sandbox.7 include services sandbox init.pre_start init.post_stop init.shutdown_timeout init.control init.listen init.log init.forward_signals init.environment init.keep_running init.syslog init.journal init.loop init.recorder init.control.path init.control.mode init.control.read init.control.operate init.control.admin init.log.level init.log.format init.log.color services.NAME.capabilities services.NAME.cap_add services.NAME.cap_drop services.NAME.ambient services.NAME.inheritable services.NAME.no_new_privs services.NAME.seccomp services.NAME.landlock services.NAME.command services.NAME.shell services.NAME.type services.NAME.description services.NAME.autostart services.NAME.working_dir services.NAME.user services.NAME.group services.NAME.groups services.NAME.umask services.NAME.environment services.NAME.inherit_env services.NAME.limits services.NAME.env_file services.NAME.nice services.NAME.ioprio services.NAME.scheduler services.NAME.cpu_affinity services.NAME.oom_score_adj services.NAME.tty services.NAME.depends_on services.NAME.wants services.NAME.after services.NAME.before services.NAME.main services.NAME.essential services.NAME.tags services.NAME.replicas services.NAME.schedule services.NAME.watch services.NAME.ready services.NAME.health services.NAME.watchdog services.NAME.pid_file services.NAME.start_timeout services.NAME.min_uptime services.NAME.restart services.NAME.restart_delay services.NAME.restart_max_delay services.NAME.restart_limit services.NAME.restart_reset services.NAME.success_exit_codes services.NAME.restart_prevent_codes services.NAME.on_failure services.NAME.pre_start services.NAME.post_start services.NAME.pre_stop services.NAME.stop_command services.NAME.post_stop services.NAME.on_fail services.NAME.reload_command services.NAME.reload_signal services.NAME.stop_signal services.NAME.stop_timeout services.NAME.kill_mode services.NAME.log services.NAME.sockets services.NAME.fd_store_max services.NAME.pass_fds services.NAME.namespaces services.NAME.rootfs services.NAME.mounts services.NAME.resources services.NAME.resources_optional sandbox.capabilities sandbox.cap_add sandbox.cap_drop sandbox.ambient sandbox.inheritable sandbox.no_new_privs sandbox.seccomp sandbox.landlock sandbox.name sandbox.hostname sandbox.domainname sandbox.namespaces sandbox.users sandbox.time_offsets sandbox.network sandbox.bundle sandbox.rootfs sandbox.overlay sandbox.image sandbox.readonly sandbox.mounts sandbox.propagation sandbox.masked_paths sandbox.readonly_paths sandbox.devices sandbox.sysctls sandbox.resources sandbox.resources_optional sandbox.cgroup_parent sandbox.sealed init.pre_start.command init.pre_start.shell init.pre_start.user init.pre_start.timeout init.post_stop.command init.post_stop.shell init.post_stop.user init.post_stop.timeout services.NAME.pre_start.command services.NAME.pre_start.shell services.NAME.pre_start.user services.NAME.pre_start.timeout services.NAME.post_start.command services.NAME.post_start.shell services.NAME.post_start.user services.NAME.post_start.timeout services.NAME.pre_stop.command services.NAME.pre_stop.shell services.NAME.pre_stop.user services.NAME.pre_stop.timeout services.NAME.stop_command.command services.NAME.stop_command.shell services.NAME.stop_command.user services.NAME.stop_command.timeout services.NAME.post_stop.command services.NAME.post_stop.shell services.NAME.post_stop.user services.NAME.post_stop.timeout services.NAME.on_fail.command services.NAME.on_fail.shell services.NAME.on_fail.user services.NAME.on_fail.timeout services.NAME.reload_command.command services.NAME.reload_command.shell services.NAME.reload_command.user services.NAME.reload_command.timeout init.listen.address init.listen.status_page init.listen.token_file init.listen.actions init.listen.hosts services.NAME.log.to services.NAME.log.format services.NAME.log.file services.NAME.log.max_size services.NAME.log.keep services.NAME.log.total services.NAME.log.compress services.NAME.log.mode services.NAME.log.owner services.NAME.log.rotate services.NAME.log.file_format services.NAME.log.syslog services.NAME.log.stderr services.NAME.log.rate_limit services.NAME.log.include services.NAME.log.exclude services.NAME.log.multiline services.NAME.log.ring services.NAME.log.line_limit services.NAME.seccomp.profile services.NAME.seccomp.default services.NAME.seccomp.allow services.NAME.seccomp.deny services.NAME.seccomp.action sandbox.seccomp.profile sandbox.seccomp.default sandbox.seccomp.allow sandbox.seccomp.deny sandbox.seccomp.action services.NAME.landlock.read services.NAME.landlock.write services.NAME.landlock.execute services.NAME.landlock.connect services.NAME.landlock.bind services.NAME.landlock.scope services.NAME.landlock.strict sandbox.landlock.read sandbox.landlock.write sandbox.landlock.execute sandbox.landlock.connect sandbox.landlock.bind sandbox.landlock.scope sandbox.landlock.strict services.NAME.schedule.cron services.NAME.schedule.every services.NAME.schedule.timezone services.NAME.schedule.jitter services.NAME.schedule.overlap services.NAME.schedule.missed services.NAME.watch.paths services.NAME.watch.exclude services.NAME.watch.debounce services.NAME.watch.cascade services.NAME.watch.action services.NAME.ready.notify services.NAME.ready.fd services.NAME.ready.log services.NAME.ready.exec services.NAME.ready.http services.NAME.ready.tcp services.NAME.ready.unix services.NAME.ready.file services.NAME.ready.interval services.NAME.ready.timeout services.NAME.health.exec services.NAME.health.http services.NAME.health.tcp services.NAME.health.unix services.NAME.health.interval services.NAME.health.timeout services.NAME.health.retries services.NAME.health.start_period services.NAME.health.action services.NAME.sockets.listen services.NAME.sockets.name services.NAME.sockets.mode services.NAME.sockets.user services.NAME.sockets.group services.NAME.sockets.backlog services.NAME.sockets.reuse_port services.NAME.sockets.ipv6_only services.NAME.sockets.lazy services.NAME.sockets.accept services.NAME.sockets.max_connections services.NAME.mounts.target services.NAME.mounts.type services.NAME.mounts.source services.NAME.mounts.options services.NAME.mounts.content services.NAME.mounts.mode services.NAME.mounts.idmap services.NAME.mounts.optional sandbox.mounts.target sandbox.mounts.type sandbox.mounts.source sandbox.mounts.options sandbox.mounts.content sandbox.mounts.mode sandbox.mounts.idmap sandbox.mounts.optional services.NAME.resources.cpu services.NAME.resources.cpu_weight services.NAME.resources.cpuset services.NAME.resources.memory services.NAME.resources.memory_high services.NAME.resources.swap services.NAME.resources.pids services.NAME.resources.io services.NAME.resources.device_access sandbox.resources.cpu sandbox.resources.cpu_weight sandbox.resources.cpuset sandbox.resources.memory sandbox.resources.memory_high sandbox.resources.swap sandbox.resources.pids sandbox.resources.io sandbox.resources.device_access sandbox.users.map sandbox.users.uid_map sandbox.users.gid_map sandbox.users.setgroups sandbox.users.subordinate sandbox.users.nested sandbox.time_offsets.monotonic sandbox.time_offsets.boottime sandbox.network.mode sandbox.network.join sandbox.network.bridge sandbox.network.subnet sandbox.network.parent sandbox.network.address sandbox.network.gateway sandbox.network.mac sandbox.network.mtu sandbox.network.interfaces sandbox.network.dns sandbox.network.dns_search sandbox.network.hosts sandbox.network.nat sandbox.network.publish sandbox.overlay.lower sandbox.overlay.upper sandbox.overlay.work sandbox.overlay.ephemeral services.NAME.log.syslog.address services.NAME.log.syslog.format services.NAME.log.syslog.facility services.NAME.log.syslog.severity services.NAME.log.syslog.app_name services.NAME.log.stderr.syslog.address services.NAME.log.stderr.syslog.format services.NAME.log.stderr.syslog.facility services.NAME.log.stderr.syslog.severity services.NAME.log.stderr.syslog.app_name services.NAME.log.stderr.to services.NAME.log.stderr.format services.NAME.log.stderr.file services.NAME.log.stderr.max_size services.NAME.log.stderr.keep services.NAME.log.stderr.total services.NAME.log.stderr.compress services.NAME.log.stderr.mode services.NAME.log.stderr.owner services.NAME.log.stderr.rotate services.NAME.log.stderr.file_format services.NAME.log.stderr.syslog services.NAME.log.rate_limit.lines services.NAME.log.rate_limit.bytes services.NAME.log.rate_limit.burst services.NAME.log.multiline.first services.NAME.log.multiline.timeout services.NAME.log.multiline.max_size services.NAME.ready.http.url services.NAME.ready.http.method services.NAME.ready.http.status services.NAME.ready.http.headers services.NAME.health.http.url services.NAME.health.http.method services.NAME.health.http.status services.NAME.health.http.headers services.NAME.resources.io.weight services.NAME.resources.io.limits sandbox.resources.io.weight sandbox.resources.io.limits sandbox.network.interfaces.name sandbox.network.interfaces.type sandbox.network.interfaces.bridge sandbox.network.interfaces.parent sandbox.network.interfaces.address sandbox.network.interfaces.gateway sandbox.network.interfaces.mac sandbox.network.interfaces.mtu services.NAME.resources.io.limits.device services.NAME.resources.io.limits.read services.NAME.resources.io.limits.write services.NAME.resources.io.limits.read_ops services.NAME.resources.io.limits.write_ops sandbox.resources.io.limits.device sandbox.resources.io.limits.read sandbox.resources.io.limits.write sandbox.resources.io.limits.read_ops sandbox.resources.io.limits.write_ops'
complete -c nsinit -n '__nsinit_word help' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a list -d 'list namespaces: their inode, kind, processes, owner, and the files that hold them'
complete -c nsinit -n '__nsinit_word ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a compare -d 'tell which namespaces two processes share'
complete -c nsinit -n '__nsinit_word ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a supported -d 'tell which kinds this kernel has, and how many of each a user may make'
complete -c nsinit -n '__nsinit_word ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a pin -d 'keep a namespace when its last process has ended, by a file that holds it'
complete -c nsinit -n '__nsinit_word ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a unpin -d 'let go of a namespace, and remove the file that held it'
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from list' -l kind -x -a 'user ipc uts net pid mount cgroup time'
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from list' -l json
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from list' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from compare' -l json
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from compare' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from supported' -l json
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from pin' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from pin' -a 'user ipc uts net pid mount cgroup time'
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from pin' -F
complete -c nsinit -n '__nsinit_word ns; and __fish_seen_subcommand_from unpin' -F
complete -c nsinit -n '__nsinit_word net; and not __fish_seen_subcommand_from add remove show' -a add -d 'connect one more interface to a sandbox'
complete -c nsinit -n '__nsinit_word net; and not __fish_seen_subcommand_from add remove show' -a remove -d 'remove an interface that nsinit has made, or give back one that was moved in'
complete -c nsinit -n '__nsinit_word net; and not __fish_seen_subcommand_from add remove show' -a show -d 'tell which interfaces, addresses and published ports sandboxes have'
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l bridge -x
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l type -x -a 'bridge macvlan phys'
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l parent -x
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l name -x
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l address -x
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l gateway -x
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l mac -x
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l mtu -x
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -l json
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from add' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from remove' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from show' -l json
complete -c nsinit -n '__nsinit_word net; and __fish_seen_subcommand_from show' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word image; and not __fish_seen_subcommand_from import list inspect remove' -a import -d 'keep the images of an OCI image layout, or of what docker save wrote'
complete -c nsinit -n '__nsinit_word image; and not __fish_seen_subcommand_from import list inspect remove' -a list -d 'list the images, with what their layers have on the disk'
complete -c nsinit -n '__nsinit_word image; and not __fish_seen_subcommand_from import list inspect remove' -a inspect -d 'tell all that is known of an image, as JSON: layers, command, environment'
complete -c nsinit -n '__nsinit_word image; and not __fish_seen_subcommand_from import list inspect remove' -a remove -d 'remove images, and the layers that no other needs; refused while a sandbox runs'
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from import' -l name -x
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from import' -l only -x
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from import' -l max-size -x
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from import' -l max-files -x
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from import' -l json
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from import' -F
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from list' -l quiet
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from list' -l json
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from inspect' -a '(nsinit image list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from remove' -l json
complete -c nsinit -n '__nsinit_word image; and __fish_seen_subcommand_from remove' -a '(nsinit image list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -s s -x -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -l socket -r -F
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a status -d 'show services: state, pid, since when, why'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb status' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb status' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb status' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb status' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb status' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a list -d 'list the names of services'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb list' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb list' -l state -x -a 'stopped waiting starting running stopping backoff exited failed' -d 'only those that are STATE'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb list' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb list' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb list' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb list' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a wait -d 'wait until services are ready, running, stopped or exited'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb wait' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb wait' -l for -x -a 'ready running stopped exited' -d 'ready (the default; a oneshot: done), running, stopped or exited'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb wait' -l timeout -s t -x -d 'how long at most (s)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb wait' -l quiet -s q -d 'do not tell on the terminal how far it is'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb wait' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb wait' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb wait' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb wait' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a health -d 'tell whether all that should run does, and is well'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb health' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb health' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb health' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb health' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb health' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a why -d 'tell in words why services are as they are, down to the cause'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb why' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb why' -l lines -s n -x -d 'so many lines of their last output'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb why' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb why' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb why' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb why' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a history -d 'show how the last runs of services ended: when, why, what they used and said last'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb history' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb history' -l limit -s n -x -d 'at most so many of each service'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb history' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb history' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb history' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb history' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a record -d 'show the flight record: what the core of init was told of late, for scripts/replay'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb record' -l out -s o -r -F -d 'write it to this file'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb record' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb record' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb record' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb record' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a blame -d 'tell what the boot waited for: the slowest services and the critical chain'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb blame' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb blame' -l svg -d 'as a picture: bars of waiting and starting, and probes'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb blame' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb blame' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb blame' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb blame' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a graph -d 'show who needs whom, and how they are'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb graph' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb graph' -l svg -d 'as a picture'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb graph' -l mermaid -d 'as a flowchart of Mermaid, for a page of Markdown'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb graph' -l dot -d 'for the dot program of Graphviz'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb graph' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb graph' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb graph' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb graph' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a tree -d 'show the processes of services, strays among them'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb tree' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb tree' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb tree' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb tree' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb tree' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a top -d 'show once what services use: CPU, memory, processes, descriptors'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb top' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb top' -l interval -s d -x -d 'measure the CPU for so long (s)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb top' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb top' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb top' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb top' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a metrics -d 'print figures for a monitoring system, as OpenMetrics'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb metrics' -a 'nsinit_service_state nsinit_service_up nsinit_service_wanted nsinit_service_healthy nsinit_service_paused nsinit_service_starts nsinit_service_restarts nsinit_service_ends nsinit_service_oom_kills nsinit_service_probe_failures nsinit_service_last_exit_code nsinit_service_start_time_seconds nsinit_service_backoff_seconds nsinit_service_boot_seconds nsinit_service_cpu_seconds nsinit_service_memory_bytes nsinit_service_group_memory_bytes nsinit_service_group_memory_limit_bytes nsinit_service_processes nsinit_service_open_fds nsinit_log_bytes nsinit_log_dropped nsinit_ready nsinit_services nsinit_boot_seconds nsinit_orphans_reaped nsinit_events nsinit_clients nsinit_clients_dropped nsinit_build process_start_time_seconds process_cpu_seconds process_resident_memory_bytes process_open_fds process_max_fds'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb metrics' -l format -x -a 'openmetrics prometheus' -d 'openmetrics, or prometheus for its older text (the default: what Accept asks for)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb metrics' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb metrics' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb metrics' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a start -d 'start services and what they need, and wait until they run'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb start' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb start' -l no-wait -d 'answer at once'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb start' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb start' -l quiet -s q -d 'do not tell on the terminal how far it is'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb start' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb start' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb start' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb start' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a stop -d 'stop services and keep them down, and wait until they are'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb stop' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb stop' -l no-wait -d 'answer at once'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb stop' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb stop' -l quiet -s q -d 'do not tell on the terminal how far it is'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb stop' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb stop' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb stop' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb stop' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a restart -d 'stop services, start them again, and wait until they run'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb restart' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb restart' -l no-wait -d 'answer at once'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb restart' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb restart' -l quiet -s q -d 'do not tell on the terminal how far it is'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb restart' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb restart' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb restart' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb restart' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a reload -d 'let services read their configuration again, and wait until they have'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reload' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reload' -l no-wait -d 'answer at once'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reload' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reload' -l quiet -s q -d 'do not tell on the terminal how far it is'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reload' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reload' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reload' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reload' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a reset -d 'forget the failures of services: failed becomes stopped, a backoff ends'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reset' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reset' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reset' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reset' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reset' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a pin -d 'keep services up or down as they are: start, stop and restart are refused'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pin' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pin' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pin' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pin' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pin' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a unpin -d 'let pinned services be started and stopped again'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpin' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpin' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpin' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpin' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpin' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a pause -d 'freeze all processes of services; their timers, probes and watchdogs wait meanwhile'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pause' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pause' -l timeout -s t -x -d 'how long to wait until they are (s)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pause' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pause' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pause' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb pause' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a unpause -d 'let paused services go on'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpause' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpause' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpause' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpause' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb unpause' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a exec -d 'run a command with the environment, user and directory of a service'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb exec' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb exec' -l terminal -s t -d 'in a terminal of its own'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb exec' -l term -x -d 'the TERM that it gets (default: that of the caller)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb exec' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb exec' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb exec' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb exec' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a enter -d 'run a command in the place of init itself: in its sandbox, beside no service'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb enter' -l terminal -s t -d 'in a terminal of its own'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb enter' -l user -s u -x -d 'as whom: NAME, UID or USER:GROUP'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb enter' -l term -x -d 'the TERM that it gets (default: that of the caller)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb enter' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb enter' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb enter' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb enter' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a attach -d 'show the last output of services and follow it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb attach' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb attach' -l lines -s n -x -d 'so many lines of the past'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb attach' -l no-stdin -d 'only show; do not pass on what is typed'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb attach' -l detach-keys -x -d 'the keys that leave the terminal of a service (default ctrl-p,ctrl-q; "": none)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb attach' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb attach' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb attach' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb attach' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a signal -d 'send a signal to the main process of services'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb signal' -a 'HUP INT QUIT TERM KILL USR1 USR2 STOP CONT'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb signal' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb signal' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb signal' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb signal' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb signal' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a logs -d 'show the last output of services'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l follow -s f -d 'go on with what they write from now on'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l lines -s n -x -d 'at most this many lines of the past'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l since -x -d 'from this time on: "5m" (ago), "12:00", RFC 3339, "@1763812800"'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l until -x -d 'up to this time'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l since-seq -x -d 'only what came after the line of this number'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l run -x -a 'current previous' -d 'a run of each service: a number, current (and later) or previous'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l stream -x -a 'stdout stderr syslog journal' -d 'only what came by it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l timestamps -s t -d 'tell when each line came'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l grep -s g -x -d 'only lines in which this regular expression is found'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l invert-match -s v -d 'only lines in which it is not'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb logs' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a events -d 'show what happened to services'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb events' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb events' -l follow -s f -d 'go on with what happens from now on'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb events' -l since-seq -x -d 'only what came after this sequence number'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb events' -l type -x -a 'boot phase state started start-failed ready health probe hook reload pause exited request trigger watch update scale reexec orphans drop remark internal lost' -d 'only events of these types, as in: exited,health,request'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb events' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb events' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb events' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb events' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a update -d 'read the configuration again and bring services in line with it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb update' -l dry-run -d 'only tell what would be done'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb update' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb update' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb update' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb update' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a scale -d 'have so many replicas of services, until the next update'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb scale' -a '(__nsinit_services)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb scale' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb scale' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb scale' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb scale' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a shutdown -d 'stop everything in order, and end init'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb shutdown' -l exit-code -x -d 'what init ends with'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb shutdown' -l now -d 'skip every grace: kill'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb shutdown' -l quiet -s q -d 'do not tell on the terminal how far it is'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb shutdown' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb shutdown' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb shutdown' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb shutdown' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a reexec -d 'replace the program of init by what is installed now; nothing else is touched'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reexec' -l timeout -s t -x -d 'how long the new program may look at the state first (s)'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reexec' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reexec' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reexec' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb reexec' -l help -d 'tell more of it'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb ""' -a version -d 'show the version of the running init'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb version' -l json -d 'JSON instead of text'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb version' -l format -x -d 'of the JSON only these fields: name,state'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb version' -l color -x -a 'auto always never' -d 'auto, always, never'
complete -c nsinit -n '__nsinit_word ctl; and __nsinit_verb version' -l help -d 'tell more of it'
