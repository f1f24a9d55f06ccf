-- Lets run.sh stop the stream: a file "stop" appears, and once OBS has said
-- goodbye to the server, a file "stopped".
local work = script_path()

local function on_event(event)
	if event == obslua.OBS_FRONTEND_EVENT_STREAMING_STOPPED then
		io.open(work .. "stopped", "w"):close()
	end
end

local function poll()
	local file = io.open(work .. "stop")
	if file then
		file:close()
		obslua.remove_current_callback()
		obslua.obs_frontend_streaming_stop()
	end
end

function script_load()
	obslua.obs_frontend_add_event_callback(on_event)
	obslua.timer_add(poll, 100)
end
