// How programs reach the web by way of freshet, for whoever reached it at @REACHED@.
var proxy = "PROXY @REACHED@@OTHERWISE@", local = "@LOCAL@";

// Names and addresses of this machine and its network, told without asking a name server.
function isLocal(host) {
  host = host.toLowerCase().replace(/^\[|\]$/g, "");
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host))
    return /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(host);
  if (host.indexOf(":") >= 0)
    return /^(::1$|f[cd][0-9a-f][0-9a-f]:|fe[89ab][0-9a-f]:)/.test(host);
  return host.indexOf(".") < 0 || /\.(localhost|local|home\.arpa)$/.test(host);
}

function FindProxyForURL(url, host) {
  return isLocal(host) ? local || proxy : proxy;
}
