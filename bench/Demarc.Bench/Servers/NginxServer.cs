using System.Globalization;

namespace Demarc.Bench.Servers;

/// <summary>nginx as a bare proxy: no buffering, kept connections to the upstream.</summary>
internal static class NginxServer
{
    public static (ServerProcess Process, Uri Url) Start(string folder, Uri upstream)
    {
        var port = Commands.FreePort();
        var file = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(file, Template
            .Replace("FOLDER", folder, StringComparison.Ordinal)
            .Replace("USER", Environment.UserName == "root" ? "user root;" : "", StringComparison.Ordinal)
            .Replace("UPSTREAM", upstream.Authority, StringComparison.Ordinal)
            .Replace("PORT", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        var process = ServerProcess.Start("nginx", File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx", ["-p", folder, "-c", file, "-g", "daemon off;"]);
        return (process, new Uri($"http://127.0.0.1:{port}"));
    }

    private const string Template = """
        USER
        worker_processes auto;
        pid FOLDER/nginx.pid;
        error_log FOLDER/error.log;
        events { worker_connections 1024; }
        http {
          access_log off;
          client_body_temp_path FOLDER/body;
          proxy_temp_path FOLDER/proxy;
          fastcgi_temp_path FOLDER/fastcgi;
          uwsgi_temp_path FOLDER/uwsgi;
          scgi_temp_path FOLDER/scgi;
          client_max_body_size 0;
          client_body_buffer_size 256k;
          keepalive_requests 100000000;
          tcp_nodelay on;
          upstream simulator {
            server UPSTREAM;
            keepalive 128;
            keepalive_requests 100000000;
          }
          server {
            listen 127.0.0.1:PORT;
            location / {
              proxy_pass http://simulator;
              proxy_http_version 1.1;
              proxy_set_header Connection "";
              proxy_buffering off;
              proxy_request_buffering off;
            }
          }
        }

        """;
}
